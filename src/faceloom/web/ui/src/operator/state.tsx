/** How the booth is: one row a fact. */

import { figure, say } from "../words/words";

export interface Facts {
  version: string;
  uptime: number;
  model: { ready?: boolean; restarts?: number; name?: string; engine?: string };
  error?: string | null;
  disk: { free: number; total: number; low: boolean };
  memory: Record<string, number>;
  queue: unknown;
  visits: number;
  takes: number;
  gallery: number;
  address: string;
  lan: string | null;
}

const gigabytes = (bytes: number): string => `${figure(bytes / 2 ** 30, { maximumFractionDigits: 1 })} GB`;

export function duration(seconds: number): string {
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)];
  return `${hours} h ${String(minutes).padStart(2, "0")} min`;
}

function told(queue: unknown): string {
  if (typeof queue !== "object" || queue === null) return String(queue);
  return Object.entries(queue)
    .map(([name, value]) => `${name} ${value}`)
    .join(", ");
}

function rows(facts: Facts): [string, string, boolean][] {
  const memory = Object.values(facts.memory).reduce((sum, bytes) => sum + bytes, 0);
  const ready = Boolean(facts.model.ready);
  return [
    [
      say("state.model"),
      `${facts.model.name ?? ""} ${facts.model.engine ?? ""} ${say(ready ? "state.ready" : "state.starting")}`,
      !ready,
    ],
    [say("state.restarts"), String(facts.model.restarts ?? 0), Boolean(facts.model.restarts)],
    [say("state.queue"), told(facts.queue), false],
    [say("operator.visits"), String(facts.visits), false],
    [say("state.takes"), `${facts.takes} / ${facts.gallery}`, false],
    [say("state.disk"), `${gigabytes(facts.disk.free)} / ${gigabytes(facts.disk.total)}`, facts.disk.low],
    [say("state.memory"), gigabytes(memory), false],
    [say("state.uptime"), duration(facts.uptime), false],
    [say("state.address"), [facts.address, facts.lan].filter(Boolean).join("  "), false],
    [say("state.version"), facts.version, false],
    ...(facts.error ? [[say("state.error"), facts.error, true] as [string, string, boolean]] : []),
  ];
}

export function State({ facts }: { facts: Facts }) {
  return (
    <dl class="facts">
      {rows(facts).map(([name, value, wrong]) => (
        <div key={name} class={wrong ? "wrong" : ""}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
