/** A thin ring that shows the elapsed part of a time, 0...1. */

const CIRCUMFERENCE = 2 * Math.PI * 46;

export function CountdownRing({ part, children }: { part: number; children?: string }) {
  const shown = Math.min(1, Math.max(0, part));
  return (
    <div class="ring" aria-hidden="true">
      <svg viewBox="0 0 100 100" aria-hidden="true">
        <circle class="way" cx="50" cy="50" r="46" />
        <circle class="gone" cx="50" cy="50" r="46" stroke-dasharray={`${CIRCUMFERENCE * shown} ${CIRCUMFERENCE}`} />
      </svg>
      {children && <span>{children}</span>}
    </div>
  );
}
