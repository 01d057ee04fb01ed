/** The Lab's section for casts: a brief, its cells, the sheet as it fills, replacements and archives. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Button } from "../parts/button";
import { Icon } from "../parts/icon";
import { attributeName, endLabels } from "../state/units";
import type { CastFormat, Cast as CastOf, CastPerson } from "../types";
import { formatNumber } from "../words/words";
import {
  BACKGROUNDS,
  beginCast,
  cancelCast,
  cast,
  changeOrder,
  closeCasts,
  eraseCast,
  estimate,
  FORMATS,
  openCasts,
  options,
  order,
  problem,
  replacePerson,
  rollSeed,
  running,
  sizes,
  stopTrial,
  tryOrder,
  waiting,
  zipUrl,
} from "./cast_state";
import { translateLab } from "./words";

const MAX_BRIEF = 400; // characters
const THUMBNAIL = 256; // pixels

export function Cast() {
  useEffect(() => {
    void openCasts();
    return closeCasts;
  }, []);
  const now = cast.value;
  if (options.value?.people === 0) return <p class="lead wait-here">{translateLab("cast.closed")}</p>;
  return (
    <div class="casting">
      <section class="controls">
        {now ? <Shown cast={now} /> : <OrderForm />}
        <Cells />
      </section>
      <section class="sheet-of-people" aria-label={translateLab("cast.sheet")}>
        {now ? <Sheet cast={now} /> : <p class="muted">{translateLab("cast.empty")}</p>}
      </section>
    </div>
  );
}

function OrderForm() {
  const { brief, size, background, seed } = order.value;
  const most = options.value?.people ?? 0;
  const ready = brief.trim() !== "" && !waiting.value;
  return (
    <form
      class="order"
      data-typing
      onSubmit={(event) => {
        event.preventDefault();
        if (ready) void beginCast();
      }}
    >
      <p class="muted explained">{translateLab("cast.more")}</p>
      <label class="choice">
        <span>{translateLab("cast.brief")}</span>
        <textarea
          rows={3}
          maxLength={MAX_BRIEF}
          value={brief}
          placeholder={translateLab("cast.example")}
          aria-describedby="brief-help"
          aria-invalid={problem.value !== ""}
          onInput={(event) => changeOrder({ brief: event.currentTarget.value })}
        />
      </label>
      <p class="muted" id="brief-help">
        {translateLab("cast.help", { most: formatNumber(most) })}
      </p>
      <div class="order-choices">
        <label class="choice">
          <span>{translateLab("cast.size")}</span>
          <select value={size} onChange={(event) => changeOrder({ size: Number(event.currentTarget.value) })}>
            {sizes.value.map((side) => (
              <option key={side} value={side}>
                {side} px
              </option>
            ))}
          </select>
        </label>
        <label class="choice">
          <span>{translateLab("cast.background")}</span>
          <select
            value={background}
            onChange={(event) => changeOrder({ background: event.currentTarget.value as (typeof BACKGROUNDS)[number] })}
          >
            {BACKGROUNDS.map((name) => (
              <option key={name} value={name}>
                {translateLab(`cast.background.${name}`)}
              </option>
            ))}
          </select>
        </label>
        <Button icon="dice" onClick={rollSeed}>
          {translateLab("seed", { number: formatNumber(seed) })}
        </Button>
      </div>
      {problem.value && (
        <p class="order-problem" role="alert">
          {problem.value}
        </p>
      )}
      <div class="row">
        <button type="submit" class="button next" aria-disabled={!ready || undefined}>
          <span>{translateLab(waiting.value === "begin" ? "cast.beginning" : "cast.begin")}</span>
        </button>
        {waiting.value === "trial" ? (
          <Button icon="close" onClick={stopTrial}>
            {translateLab("cast.try.stop")}
          </Button>
        ) : (
          <Button disabled={!ready} onClick={() => void tryOrder()}>
            {translateLab("cast.try")}
          </Button>
        )}
      </div>
      <p class="under" role="status">
        {waiting.value === "trial" && translateLab("cast.trying")}
        {estimate.value && estimateText()}
      </p>
    </form>
  );
}

function estimateText(): string {
  const found = estimate.value;
  if (!found) return "";
  return translateLab("cast.estimate", {
    time: timeText(found.seconds),
    space: formatNumber(found.peak_bytes / 1e6, { maximumFractionDigits: found.peak_bytes < 1e7 ? 1 : 0 }),
    trial: found.trial_people,
  });
}

/** Return a duration in seconds, or in minutes from two on. */
export function timeText(seconds: number): string {
  const minutes = seconds >= 120;
  const unit = minutes ? "minute" : "second";
  const value = Math.max(1, Math.round(minutes ? seconds / 60 : seconds));
  return formatNumber(value, { style: "unit", unit, unitDisplay: "long" });
}

/** The cast that is shown: its progress, or what can be done with it. */
function Shown({ cast: now }: { cast: CastOf }) {
  const format = useSignal<CastFormat>("imagefolder");
  const formats = options.value?.formats ?? FORMATS;
  return (
    <div class="block">
      <h2>{now.name}</h2>
      <p class="under" role="status">
        {statusText(now)}
      </p>
      {running.value ? (
        <>
          <progress max={1} value={now.job.progress} aria-label={translateLab("cast.progress")} />
          <div class="row">
            <Button icon="close" onClick={() => void cancelCast()}>
              {translateLab(now.state === "casting" ? "cast.cancel" : "cast.cancel.replace")}
            </Button>
          </div>
        </>
      ) : (
        <>
          {now.state === "done" && (
            <div class="export">
              <label class="choice">
                <span>{translateLab("cast.format")}</span>
                <select
                  value={format.value}
                  onChange={(event) => {
                    format.value = event.currentTarget.value as CastFormat;
                  }}
                >
                  {FORMATS.map((name) => (
                    <option key={name} value={name} disabled={!formats.includes(name)}>
                      {translateLab(`cast.format.${name}`)}
                    </option>
                  ))}
                </select>
              </label>
              <a class="button next" href={zipUrl(now.id, format.value)} download={`cast-${format.value}.zip`}>
                <Icon name="save" />
                <span>{translateLab("cast.zip")}</span>
              </a>
            </div>
          )}
          <div class="row">
            <Button icon="bin" onClick={() => void eraseCast()}>
              {translateLab("cast.erase")}
            </Button>
          </div>
        </>
      )}
    </div>
  );
}

function statusText(now: CastOf): string {
  const { job } = now;
  if (job.state === "running") {
    const left = job.seconds_left;
    const done = { done: formatNumber(now.cast.length), all: formatNumber(now.people) };
    const text = translateLab(now.state === "replacing" ? "cast.replacing" : "cast.casting", done);
    return left === null ? text : `${text} ${translateLab("cast.left", { time: timeText(left) })}`;
  }
  if (now.state === "failed") return translateLab("cast.failed", { message: job.error?.message ?? "" });
  if (job.error && job.error.code !== "stopped") return translateLab("cast.failed", { message: job.error.message });
  const met = now.cast.filter((person) => person.met).length;
  return translateLab("cast.done", { met: formatNumber(met), all: formatNumber(now.people) });
}

/** Values of attributes that are named by a word at one end of the attribute's slider. */
const ENDS: Record<string, number> = { woman: 0, man: 1, no: 0, yes: 1 };

/** Return a group in the visitor's language: "age 20-29, gender woman, glasses yes" is "Age 20–29, woman, Glasses: on". */
export function cellText(cell: string): string {
  if (cell === "anybody") return translateLab("cast.anybody");
  const part = (text: string): string => {
    const [name = "", ...rest] = text.split(" ");
    const value = rest.join(" ");
    const end = ENDS[value];
    if (end === undefined) return `${attributeName(name)} ${value.replace("-", "–")}`;
    const word = endLabels(name)[end] ?? value;
    return name === "gender" ? word : `${attributeName(name)}: ${word}`;
  };
  return cell.split(", ").map(part).join(", ");
}

interface CellRow {
  cell: string;
  people: number;
  found: string;
  bad: boolean;
}

function cellRows(): CellRow[] {
  if (cast.value) {
    return cast.value.cells.map(({ cell, people, drawn, met }) => ({
      cell,
      people,
      found: formatNumber(met),
      bad: met < drawn,
    }));
  }
  return (estimate.value?.cells ?? []).map(({ cell, people, can_draw, reason }) => ({
    cell,
    people,
    found: can_draw === null ? "–" : can_draw ? translateLab("cast.can") : reason || translateLab("cast.cannot"),
    bad: can_draw === false,
  }));
}

/** The joint groups: how many people each asks for, and how many are found. */
function Cells() {
  const rows = cellRows();
  if (!rows.length) return null;
  return (
    <table class="cells">
      <thead>
        <tr>
          <th scope="col">{translateLab("cast.cell")}</th>
          <th scope="col">{translateLab("cast.asked")}</th>
          <th scope="col">{translateLab(cast.value ? "cast.met" : "cast.trial")}</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ cell, people, found, bad }) => (
          <tr key={cell} class={bad ? "bad" : ""}>
            <th scope="row">{cellText(cell)}</th>
            <td class="figures">{formatNumber(people)}</td>
            <td class="figures">{found}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** All people in their order; who is not cast yet has an empty place. */
function Sheet({ cast: now }: { cast: CastOf }) {
  const byNumber = new Map(now.cast.map((person) => [person.number, person]));
  return (
    <ul class="cards">
      {Array.from({ length: now.people }, (_, n) => (
        <li key={n + 1} class="card">
          <Card number={n + 1} person={byNumber.get(n + 1)} canReplace={now.state === "done"} />
        </li>
      ))}
    </ul>
  );
}

interface CardProps {
  number: number;
  person: CastPerson | undefined;
  canReplace: boolean;
}

function Card({ number, person, canReplace }: CardProps) {
  const title = formatNumber(number);
  const age = person && Math.round(person.traits.age ?? 0);
  return (
    <>
      <div class="portrait">
        {person?.image && (
          <img
            key={person.image}
            src={`${person.image}&size=${THUMBNAIL}`}
            alt={translateLab("cast.person", { number: title, age: age ?? "" })}
            loading="lazy"
            decoding="async"
            draggable={false}
          />
        )}
        {person && !person.image && <span class="muted">{translateLab("cast.none")}</span>}
      </div>
      <div class="card-line">
        <span class="figures">
          {person?.image ? translateLab("cast.caption", { number: title, age: age ?? "" }) : title}
        </span>
        {person && (
          <Button
            kind="quiet"
            icon="reset"
            disabled={!canReplace}
            label={translateLab("cast.replace", { number: title })}
            onClick={() => void replacePerson(number)}
          />
        )}
      </div>
      {person?.problem && <p class="card-problem">{person.problem}</p>}
    </>
  );
}
