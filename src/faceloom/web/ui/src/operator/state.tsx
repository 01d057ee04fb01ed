/** The state of the booth as a table for its operator. */

import type { OperatorState } from "../types";
import { formatNumber, translate } from "../words/words";

interface Row {
  name: string;
  value: string;
  warning?: boolean;
}

const gigabytes = (bytes: number): string => `${formatNumber(bytes / 2 ** 30, { maximumFractionDigits: 1 })} GB`;

/** Format a number of seconds as hours and minutes. */
export function formatDuration(seconds: number): string {
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)];
  return `${hours} h ${String(minutes).padStart(2, "0")} min`;
}

function rowsOf({ model, disk, memory, ...state }: OperatorState): Row[] {
  const readiness = translate(model.ready ? "state.ready" : "state.starting");
  const rows: Row[] = [
    {
      name: translate("state.model"),
      value: [model.generator, readiness].filter(Boolean).join(", "),
      warning: !model.ready,
    },
    { name: translate("state.restarts"), value: String(model.restarts), warning: model.restarts > 0 },
    { name: translate("state.queue"), value: String(state.queue) },
    { name: translate("operator.visits"), value: String(state.visits) },
    { name: translate("state.unerased"), value: String(state.unerased), warning: state.unerased > 0 },
    { name: translate("state.downloads"), value: `${state.takes} / ${state.gallery}` },
    { name: translate("state.disk"), value: `${gigabytes(disk.free)} / ${gigabytes(disk.total)}`, warning: disk.low },
    { name: translate("state.memory"), value: gigabytes(memory.server + (memory.worker ?? 0)) },
    { name: translate("state.uptime"), value: formatDuration(state.uptime) },
    { name: translate("state.address"), value: [...new Set([state.address, state.lan])].filter(Boolean).join(", ") },
    { name: translate("state.version"), value: state.version },
  ];
  if (state.error) rows.push({ name: translate("state.error"), value: state.error.message, warning: true });
  return rows;
}

export function StateTable({ state }: { state: OperatorState }) {
  return (
    <dl class="facts">
      {rowsOf(state).map(({ name, value, warning }) => (
        <div key={name} class={warning ? "wrong" : ""}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
