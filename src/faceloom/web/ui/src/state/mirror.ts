/**
 * The live mirror: frames of the camera move the person. One frame is on its way at a time: a slow booth shows fewer.
 * Each answer is the picture of the frame before, which was drawn while the newest one was read.
 */

import { fetchPicture, postForPicture, ServerError, withQuery } from "../api";
import type { Person } from "../types";
import { reportError } from "./booth";
import { mirrorFrame } from "./camera";
import { previewUrl, sliderValues } from "./edits";

/** How the mirror shows a person: years older or younger, and how much of a friend. */
export interface Look {
  years: number;
  friend: string;
  mix: number;
}

const RETRY_MS = 120; // pause after a frame that the server refused
const MAX_FAILURES = 5; // failures in a row after which the mirror stops
const REVEAL_MS = 10_000;
const REVEAL_FRAMES = 60;

let frameNumber = Date.now() % 1e9; // it also grows when the page is loaded again

/** Show a picture in place of the person's own; return the function that removes it. */
function showPicture(picture: Blob, last: string): string {
  const url = URL.createObjectURL(picture);
  previewUrl.value = url;
  if (last) setTimeout(() => URL.revokeObjectURL(last), 500); // after the next picture was painted
  return url;
}

/** Let the camera move a person until the returned function is called. `look` is read for every frame. */
export function startMirror(video: HTMLVideoElement, person: Person, look: () => Look): () => void {
  const controller = new AbortController();
  const run = async (): Promise<void> => {
    let failures = 0;
    let url = "";
    while (!controller.signal.aborted && failures < MAX_FAILURES) {
      try {
        const picture = await drawFrame(video, person, look(), controller.signal);
        if (!controller.signal.aborted) url = showPicture(picture, url);
        failures = 0;
      } catch (error) {
        if (controller.signal.aborted) break;
        const isBusy = error instanceof ServerError && [409, 429].includes(error.status);
        failures += isBusy ? 0 : 1;
        if (failures === MAX_FAILURES) reportError(error);
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
    if (url) URL.revokeObjectURL(url);
    if (previewUrl.value === url) previewUrl.value = null;
  };
  void run();
  return () => controller.abort();
}

async function drawFrame(video: HTMLVideoElement, person: Person, look: Look, signal: AbortSignal): Promise<Blob> {
  const frame = await mirrorFrame(video);
  const path = `/people/${encodeURIComponent(person.id)}/live`;
  return postForPicture(
    path,
    { years: look.years, friend: look.friend, mix: look.mix, ahead: 1, n: ++frameNumber },
    { body: frame, signal },
  );
}

const revealed = new Set<string>(); // people whose reveal has begun; a new visit has new people

/** Return whether the reveal of a person shall play: it plays once, for a likeness without edits. */
export const isRevealDue = (person: Person): boolean =>
  !revealed.has(person.id) &&
  !person.can_undo &&
  !person.can_redo &&
  person.crop !== null &&
  person.sliders.some(({ name }) => name === "age") &&
  !matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Show a person from the youngest to the oldest for ten seconds; a touch or a key ends it. */
export async function playReveal(person: Person, signal: AbortSignal, onStart: () => void): Promise<void> {
  revealed.add(person.id);
  const age = person.sliders.find(({ name }) => name === "age");
  if (!age) return;
  let url = "";
  let begin = performance.now();
  try {
    for (let part = 0; part < 1 && !signal.aborted; part = (performance.now() - begin) / REVEAL_MS) {
      const step = Math.round(part * REVEAL_FRAMES) / REVEAL_FRAMES;
      const years = age.min + (age.max - age.min) * step;
      const picture = await fetchPicture(withQuery(person.preview, { ...person.controls, age: years, n: 0 }), signal);
      if (signal.aborted || Object.keys(sliderValues.value).length) break;
      if (!url) {
        begin = performance.now(); // the ten seconds begin with the first picture
        onStart();
      }
      url = showPicture(picture, url);
      const due = begin + (step + 1 / REVEAL_FRAMES) * REVEAL_MS;
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
    }
  } catch (error) {
    if (!signal.aborted && !(error instanceof ServerError)) reportError(error);
  }
  if (previewUrl.value === url) previewUrl.value = null; // a slider that was moved meanwhile shows its own preview
  if (url) URL.revokeObjectURL(url);
}
