/** Dragging points of a face: tap, tap, start, and watch it follow. */

import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { fetchPicture, get, post, remove } from "../api";
import { Button } from "../parts/button";
import { Face } from "../parts/face";
import { receivePerson, reportError, runAction } from "../state/booth";
import type { Person } from "../types";
import { formatNumber, translate } from "../words/words";
import { FaceChoice } from "./lab";
import { addPoint, type Dot, NO_POINTS, type Points, PRESET_DRAGS, relativePosition } from "./points";
import { changeView, faceUrl, view, viewQuery } from "./state";
import { translateLab } from "./words";

const EVERY_MS = 350; // between looks at how far it is
const AROUND = 0.2; // of the picture's side, around the ways, that may change

interface DragState {
  id: string;
  state: "running" | "done" | "stopped" | "failed";
  error: { message: string } | null;
  image: string | null;
  number?: number;
  handles?: Dot[];
  distance?: number;
}

const points = signal<Points>(NO_POINTS);
const drag = signal<DragState | null>(null);
const drawn = signal<string | null>(null);
const hold = signal(false);
const kept = signal(false);

export function Drag() {
  useEffect(() => () => void forget(), []);
  const now = drag.value;
  const running = now?.state === "running";
  const ready = points.value.pairs.length > 0;
  const done = !!now && !running && (now.number ?? 0) > 0;
  return (
    <div class="bench">
      <section class="stage">
        <Picture />
      </section>
      <section class="controls">
        <p class="muted">{translateLab("drag.more")}</p>
        {!now && <FaceChoice />}
        <div class="row" role="group" aria-label={translateLab("drag")}>
          {(Object.keys(PRESET_DRAGS) as (keyof typeof PRESET_DRAGS)[]).map((name) => (
            <Button key={name} kind="chip" disabled={running} onClick={() => void aim(PRESET_DRAGS[name])}>
              {translateLab(`drag.${name}`)}
            </Button>
          ))}
        </div>
        <label class="switch">
          <input type="checkbox" checked={hold.value} onChange={() => (hold.value = !hold.value)} />
          {translateLab("drag.around")}
        </label>
        <p class="under" role="status">
          {status()}
        </p>
        <div class="pair">
          {done && view.value.person && !kept.value ? (
            <Button kind="next" icon="keep" onClick={() => void keep()}>
              {translateLab("drag.keep")}
            </Button>
          ) : running ? (
            <Button kind="next" onClick={() => void stop()}>
              {translateLab("drag.stop")}
            </Button>
          ) : (
            <Button kind="next" disabled={!ready || done} onClick={() => void start()}>
              {translateLab("drag.start")}
            </Button>
          )}
          <Button
            icon="close"
            disabled={!!now || (!ready && !points.value.waiting)}
            onClick={() => (points.value = NO_POINTS)}
          >
            {translateLab("drag.clear")}
          </Button>
          {now && !running && (
            <Button icon="undo" onClick={() => void forget()}>
              {translateLab("drag.back")}
            </Button>
          )}
        </div>
      </section>
    </div>
  );
}

function Picture() {
  const { pairs, waiting } = points.value;
  const moved = drag.value?.handles;
  const press = (event: MouseEvent & { currentTarget: HTMLElement }): void => {
    if (drag.value) return;
    points.value = addPoint(
      points.value,
      relativePosition(event.clientX, event.clientY, event.currentTarget.getBoundingClientRect()),
    );
  };
  return (
    <div class="draggable" onClick={press}>
      <Face src={drawn.value ?? faceUrl.value} alt={translateLab("drag.picture")}>
        <svg class="points" viewBox="0 0 100 100" aria-hidden="true">
          {pairs.map(({ handle, target }, n) => {
            const [x, y] = moved?.[n] ?? handle;
            return (
              <g key={n}>
                <line x1={x * 100} y1={y * 100} x2={target[0] * 100} y2={target[1] * 100} />
                <circle class="target" cx={target[0] * 100} cy={target[1] * 100} r="1.5" />
                <circle class="handle" cx={x * 100} cy={y * 100} r="1.3" />
              </g>
            );
          })}
          {waiting && <circle class="handle" cx={waiting[0] * 100} cy={waiting[1] * 100} r="1.3" />}
        </svg>
        <figcaption class="mark">{view.value.person ? translateLab("you") : translate("alt.invented")}</figcaption>
      </Face>
    </div>
  );
}

function status(): string {
  const now = drag.value;
  if (kept.value) return translateLab("drag.kept");
  if (points.value.waiting) return translateLab("drag.target");
  if (!now) return "";
  const number = now.number ?? 0;
  const left = formatNumber(now.distance ?? 0, { style: "percent", maximumFractionDigits: 1 });
  if (now.state === "running") return translateLab("drag.step", { number, left });
  if (now.state === "failed") return translateLab("drag.failed", { message: now.error?.message ?? "" });
  return now.state === "done" ? translateLab("drag.done", { number }) : translateLab("drag.stopped", { number, left });
}

/** Begin anew with ready-made points. */
async function aim(at: Points): Promise<void> {
  await forget();
  points.value = at;
}

async function start(): Promise<void> {
  kept.value = false;
  const { pairs } = points.value;
  const body = {
    ...viewQuery(view.value),
    handles: pairs.map(({ handle }) => handle),
    targets: pairs.map(({ target }) => target),
    around: hold.value ? AROUND : 0,
  };
  const begun = await runAction(() => post<DragState>("/lab/drags", body));
  if (begun) {
    drag.value = begun;
    void watch(begun.id);
  }
}

/** Ask how far it is, and show it, until it is over. */
async function watch(id: string): Promise<void> {
  let shown = "";
  while (drag.value?.id === id) {
    try {
      const now = await get<DragState>(`/lab/drags/${id}`);
      if (now.image && now.image !== shown) {
        show(await fetchPicture(now.image));
        shown = now.image;
      }
      if (drag.value?.id !== id) return;
      drag.value = now;
      if (now.state !== "running") return;
    } catch (error) {
      reportError(error);
      return;
    }
    await new Promise((next) => setTimeout(next, EVERY_MS));
  }
}

async function stop(): Promise<void> {
  const now = drag.value;
  if (!now) return;
  drag.value = { ...now, state: "stopped" };
  await remove(`/lab/drags/${now.id}`).catch(reportError);
}

async function keep(): Promise<void> {
  const now = drag.value;
  if (!now) return;
  const person = await runAction(() => post<Person>(`/lab/drags/${now.id}/keep`));
  if (!person) return;
  receivePerson(person);
  kept.value = true;
  changeView();
}

function show(blob: Blob): void {
  const old = drawn.value;
  drawn.value = URL.createObjectURL(blob);
  if (old) setTimeout(() => URL.revokeObjectURL(old), 1000); // it may be fading out still
}

/** Leave a drag: the face is as before. */
async function forget(): Promise<void> {
  const now = drag.value;
  drag.value = null;
  kept.value = false;
  points.value = NO_POINTS;
  if (drawn.value) URL.revokeObjectURL(drawn.value);
  drawn.value = null;
  if (now?.state === "running") await remove(`/lab/drags/${now.id}`).catch(() => undefined);
}
