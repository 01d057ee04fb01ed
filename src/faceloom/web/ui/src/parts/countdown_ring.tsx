/** A thin ring of time. */

const ROUND = 2 * Math.PI * 46;

export function CountdownRing({ part, children }: { part: number; children?: string }) {
  const shown = Math.min(1, Math.max(0, part));
  return (
    <div class="ring" aria-hidden="true">
      <svg viewBox="0 0 100 100">
        <circle class="way" cx="50" cy="50" r="46" />
        <circle class="gone" cx="50" cy="50" r="46" stroke-dasharray={`${ROUND * shown} ${ROUND}`} />
      </svg>
      {children && <span>{children}</span>}
    </div>
  );
}
