/** How the booth is: one row a fact. */

import { formatNumber, translate } from "../words/words";

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

const gigabytes = (bytes: number): string => `${formatNumber(bytes / 2 ** 30, { maximumFractionDigits: 1 })} GB`;

export function duration(seconds: number): string {
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)];
  return `${hours} h ${String(minutes).padStart(2, "0")} min`;
}

function progressText(queue: unknown): string {
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
      translate("state.model"),
      `${facts.model.name ?? ""} ${facts.model.engine ?? ""} ${translate(ready ? "state.ready" : "state.starting")}`,
      !ready,
    ],
    [translate("state.restarts"), String(facts.model.restarts ?? 0), Boolean(facts.model.restarts)],
    [translate("state.queue"), progressText(facts.queue), false],
    [translate("operator.visits"), String(facts.visits), false],
    [translate("state.takes"), `${facts.takes} / ${facts.gallery}`, false],
    [translate("state.disk"), `${gigabytes(facts.disk.free)} / ${gigabytes(facts.disk.total)}`, facts.disk.low],
    [translate("state.memory"), gigabytes(memory), false],
    [translate("state.uptime"), duration(facts.uptime), false],
    [translate("state.address"), [facts.address, facts.lan].filter(Boolean).join("  "), false],
    [translate("state.version"), facts.version, false],
    ...(facts.error ? [[translate("state.error"), facts.error, true] as [string, string, boolean]] : []),
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
