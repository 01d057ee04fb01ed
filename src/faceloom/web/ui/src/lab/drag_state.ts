/** State of a drag: the chosen points, the running drag, and its latest picture. */

import { signal } from "@preact/signals";
import { fetchPicture, get, post, remove } from "../api";
import { receivePerson, reportError, runAction } from "../state/booth";
import type { Drag } from "../types";
import { NO_POINTS, type Points } from "./points";
import { changeView, view } from "./state";

const POLL_MS = 350;
const HOLD_DISTANCE = 0.2; // fraction of the picture's side around the paths that may change if the rest is held
const FADE_MS = 1000; // time after which a replaced picture has faded out

export const points = signal<Points>(NO_POINTS);
export const drag = signal<Drag | null>(null);
/** The object URL of the drag's latest picture. */
export const dragUrl = signal<string | null>(null);
/** Whether everything far from the paths is held. */
export const holdRest = signal(false);
/** Whether the drag was stored as a step of the person. */
export const kept = signal(false);

/** Discard the drag, and start with these points. */
export async function setPoints(next: Points): Promise<void> {
  await discardDrag();
  points.value = next;
}

export async function startDrag(): Promise<void> {
  kept.value = false;
  const { pairs } = points.value;
  const body = {
    ...view.value,
    handles: pairs.map(({ handle }) => handle),
    targets: pairs.map(({ target }) => target),
    around: holdRest.value ? HOLD_DISTANCE : 0,
  };
  const started = await runAction(() => post("/lab/drags", { body }));
  if (!started) return;
  drag.value = started;
  void followDrag(started.id);
}

/** Poll a drag and show its pictures until it ends or is replaced. */
async function followDrag(id: string): Promise<void> {
  let shown = "";
  while (drag.value?.id === id) {
    try {
      const now = await get("/lab/drags/{id}", { path: { id } });
      if (now.image && now.image !== shown) {
        showPicture(await fetchPicture(now.image));
        shown = now.image;
      }
      if (drag.value?.id !== id) return;
      drag.value = now;
      if (now.state !== "running") return;
    } catch (error) {
      reportError(error);
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

function showPicture(picture: Blob): void {
  const old = dragUrl.value;
  dragUrl.value = URL.createObjectURL(picture);
  if (old) setTimeout(() => URL.revokeObjectURL(old), FADE_MS);
}

export async function stopDrag(): Promise<void> {
  const now = drag.value;
  if (!now) return;
  drag.value = { ...now, state: "stopped" };
  await remove("/lab/drags/{id}", { path: { id: now.id } }).catch(reportError);
}

/** Store the result as a step of the person. */
export async function keepDrag(): Promise<void> {
  const now = drag.value;
  if (!now) return;
  const person = await runAction(() => post("/lab/drags/{id}/keep", { path: { id: now.id } }));
  if (!person) return;
  receivePerson(person);
  kept.value = true;
  changeView();
}

/** Discard the drag and its points; the face is as before. */
export async function discardDrag(): Promise<void> {
  const now = drag.value;
  drag.value = null;
  kept.value = false;
  points.value = NO_POINTS;
  if (dragUrl.value) URL.revokeObjectURL(dragUrl.value);
  dragUrl.value = null;
  if (now?.state === "running") await remove("/lab/drags/{id}", { path: { id: now.id } }).catch(() => undefined);
}
