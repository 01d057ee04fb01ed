/** The state that all screens share: the booth's settings, the visit, and the progress of encodings. */

import { computed, signal } from "@preact/signals";
import { get, NetworkError, post, remove, ServerError } from "../api";
import type { Booth, Failure, Person, Progress, Visit, VisitAnswer } from "../types";
import { failureText } from "./failures";

/** A text above the screen: an error, or with `good` the news that something succeeded. */
export interface Notice {
  message: string;
  hint: string;
  good?: boolean;
}

/** Settings until the server has answered. */
export const DEFAULT_BOOTH: Booth = {
  event: "",
  look: "dark",
  languages: ["en", "de", "es", "fr"],
  kiosk: false,
  camera: "browser",
  countdown: 3,
  idle_seconds: 90,
  retention_minutes: 15,
  take_minutes: 30,
  gallery: false,
  slideshow: false,
  lab: true,
  phone: true,
  sound: false,
  printing: false,
  copies: 1,
  styles: [],
};

/** Whether the server was asked for a visit. Before that the page shows nothing. */
export const visitLoaded = signal(false);
export const booth = signal<Booth>(DEFAULT_BOOTH);
export const visit = signal<Visit | null>(null);
/** Progress of encodings, by the person's id. */
export const progress = signal<Record<string, Progress>>({});
/** The number of encodings that run before this visit's. */
export const queuePlace = signal(0);
export const online = signal(true);
/** The latest error or message for the visitor: what happened, and what to do. */
export const notice = signal<Notice | null>(null);
/** Whether a call that changes something is running. Buttons are disabled, so that a double click acts once. */
export const busy = signal(false);
/** Whether the visit was just deleted; the page then shows the screen that confirms it. */
export const wiped = signal(false);
/** Whether something of the deleted visit could not be deleted yet: the booth tries again. */
export const erasePending = signal(false);
/** The id of the person that the visitor selected; empty selects the first. */
export const selectedId = signal<string>("");

export const currentPerson = computed<Person | null>(() => {
  const people = visit.value?.people ?? [];
  return people.find(({ id }) => id === selectedId.value) ?? people[0] ?? null;
});

/** The people of the photo: all people of the visit except children. */
export const photographedPeople = computed<Person[]>(() =>
  (visit.value?.people ?? []).filter(({ lineage }) => !lineage.length),
);

/** Store the visit that the server sent; null means that it is over. */
export function receiveVisit(answer: VisitAnswer | null): void {
  const next = answer?.state === "wiped" ? null : answer;
  if (answer?.state === "wiped") erasePending.value = "pending" in answer;
  if (!next && visit.value) resetVisit(true);
  visit.value = next;
}

/** Store a person that the server sent. A new person is appended to the visit. */
export function receivePerson(next: Person): void {
  const now = visit.value;
  if (!now) return;
  const people = now.people.some(({ id }) => id === next.id)
    ? now.people.map((old) => (old.id === next.id ? next : old))
    : [...now.people, next];
  visit.value = { ...now, people };
}

export function receiveProgress(next: Progress): void {
  queuePlace.value = 0;
  progress.value = { ...progress.value, [next.person]: next };
}

function resetVisit(deleted: boolean): void {
  progress.value = {};
  queuePlace.value = 0;
  selectedId.value = "";
  notice.value = null;
  wiped.value = deleted;
}

/** Run a call that changes something, one at a time, and report its error. Returns undefined when it failed. */
export async function runAction<T>(call: () => Promise<T>): Promise<T | undefined> {
  if (busy.value) return undefined;
  busy.value = true;
  notice.value = null;
  try {
    const answer = await call();
    online.value = true;
    return answer;
  } catch (error) {
    reportError(error);
    return undefined;
  } finally {
    busy.value = false;
  }
}

/** Fetch what a screen needs when it opens, and report its error. Buttons stay enabled. */
export async function load(call: () => Promise<unknown>): Promise<void> {
  try {
    await call();
    online.value = true;
  } catch (error) {
    reportError(error);
  }
}

/** Show an error to the visitor. A lost connection has its own message; a visit that is gone closes the visit. */
export function reportError(error: unknown): void {
  if (error instanceof NetworkError) online.value = false;
  else if (error instanceof ServerError && error.status === 404 && error.code.includes("visit")) receiveVisit(null);
  else if (error instanceof ServerError) showFailure(error);
  else throw error;
}

/** Tell the visitor about a failure. */
export function showFailure(failure: Pick<Failure, "code" | "message"> & { hint?: string }): void {
  notice.value = { message: failureText(failure), hint: "" };
}

/** Tell the visitor that something succeeded. */
export function showMessage(message: string, hint = ""): void {
  notice.value = { message, hint, good: true };
}

/** Run a call that returns the changed visit. Returns whether it succeeded. */
export async function changeVisit(call: () => Promise<VisitAnswer>): Promise<boolean> {
  const next = await runAction(call);
  if (next) receiveVisit(next);
  return next !== undefined;
}

export async function startVisit(): Promise<void> {
  wiped.value = false;
  erasePending.value = false;
  await changeVisit(() => post("/visits"));
}

/** Delete the visit and its downloads. */
export const wipeVisit = (): Promise<void> => endWith(() => remove("/visit"));

/** End the visit. Its downloads stay until they expire. */
export const endVisit = (): Promise<void> => endWith(() => post("/visit/end"));

async function endWith(call: () => Promise<unknown>): Promise<void> {
  await runAction(async () => {
    erasePending.value = await isErasePending(call);
    receiveVisit(null);
  });
}

/** Run a call that deletes the visit. Returns whether something could not be deleted yet. */
async function isErasePending(call: () => Promise<unknown>): Promise<boolean> {
  try {
    await call();
  } catch (error) {
    if (error instanceof ServerError && error.code === "erase_pending") return true;
    if (!(error instanceof ServerError && error.status === 404)) throw error;
  }
  return false;
}

/** Ask the server to delete again what it could not delete. A lost connection changes nothing. */
export async function eraseAgain(): Promise<void> {
  try {
    erasePending.value = await isErasePending(() => remove("/visit"));
  } catch (error) {
    if (!(error instanceof NetworkError || error instanceof ServerError)) throw error;
  }
}

/** Load this browser's visit. An answer that something newer overtook is dropped. Returns false without an answer. */
export async function loadVisit(): Promise<boolean> {
  const before = visit.peek();
  const answer = await askForVisit();
  online.value = answer !== undefined;
  if (answer === undefined) return false;
  if (visit.peek() === before) receiveVisit(answer);
  visitLoaded.value = true;
  return true;
}

/** Ask the server for this browser's visit. Returns null when there is none, and undefined without an answer. */
async function askForVisit(): Promise<Visit | null | undefined> {
  try {
    return await get("/visit");
  } catch (error) {
    return error instanceof ServerError && [401, 403, 404].includes(error.status) ? null : undefined;
  }
}

/** Load the booth's settings; without an answer the defaults stay. */
export async function loadBooth(): Promise<void> {
  try {
    booth.value = { ...DEFAULT_BOOTH, ...(await get("/booth")) };
  } catch (error) {
    if (error instanceof NetworkError) online.value = false;
  }
}

/** Return milliseconds since 1970 of an ISO 8601 time. */
export const parseTime = (time: string): number => Date.parse(time);
