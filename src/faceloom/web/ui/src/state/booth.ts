/** What the page knows: the booth, the visit, how the search goes on. Screens read it; `act` changes it. */

import { computed, signal } from "@preact/signals";
import { get, NetworkError, post, remove, ServerError } from "../api";
import type { Booth, Person, Progress, Visit } from "../types";

export const DEFAULT_BOOTH: Booth = {
  event: "",
  look: "dark",
  languages: ["en", "de", "es", "fr"],
  kiosk: false,
  countdown: 3,
  idle_seconds: 90,
  retention_minutes: 15,
  gallery: false,
  slideshow: false,
  lab: true,
  phone: true,
  sound: false,
  printing: false,
};

/** `known`: whether the server was asked for a visit already; before that nothing is shown. */
export const visitLoaded = signal(false);
export const booth = signal<Booth>(DEFAULT_BOOTH);
export const visit = signal<Visit | null>(null);
export const progress = signal<Record<string, Progress>>({});
export const queuePlace = signal(0);
export const online = signal(true);
/** What went wrong last, for people: the message and what to do. */
export const notice = signal<{ message: string; hint: string } | null>(null);
/** A call that changes something is on its way: buttons wait, so that a double click is one click. */
export const busy = signal(false);
/** All was wiped a moment ago, and the page says so. */
export const wiped = signal(false);
/** Whose face the hand is on. */
export const selectedId = signal<string>("");

export const currentPerson = computed<Person | null>(() => {
  const people = visit.value?.people ?? [];
  return people.find(({ id }) => id === selectedId.value) ?? people[0] ?? null;
});

/** Those who were photographed: everybody but children. */
export const photographedPeople = computed<Person[]>(() =>
  (visit.value?.people ?? []).filter(({ lineage }) => !lineage.length),
);

export function receive(next: Visit | null): void {
  if (next?.state === "wiped") next = null;
  if (!next && visit.value) resetVisit(true);
  visit.value = next;
}

/** Put what the server says of one person into the visit. */
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
  progress.value = { ...progress.value, [next.person]: { ...progress.value[next.person], ...next } };
}

function resetVisit(gone: boolean): void {
  progress.value = {};
  queuePlace.value = 0;
  selectedId.value = "";
  notice.value = null;
  wiped.value = gone;
}

/** Change something: one call at a time, errors said to people. Answers undefined when it did not work. */
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

/** Fetch what a screen needs when it opens: errors are said, and nothing has to wait for it. */
export async function load(call: () => Promise<unknown>): Promise<void> {
  try {
    await call();
    online.value = true;
  } catch (error) {
    reportError(error);
  }
}

/** Say an error to people; that the server is away is shown by itself. */
export function reportError(error: unknown): void {
  if (error instanceof NetworkError) online.value = false;
  else if (error instanceof ServerError && error.status === 404 && error.code.includes("visit")) receive(null);
  else if (error instanceof ServerError) notice.value = { message: error.message, hint: error.hint };
  else throw error;
}

/** Change the visit by a call that answers with it. */
export async function changeVisit(path: string, body?: unknown): Promise<boolean> {
  const next = await runAction(() => post<Visit>(path, body));
  if (next) receive(next);
  return next !== undefined;
}

export async function startVisit(): Promise<void> {
  wiped.value = false;
  const next = await runAction(() => post<Visit>("/visits"));
  if (next) receive(next);
}

/** Delete everything, also what would be taken home. */
export const wipeVisit = (): Promise<void> => endWith(() => remove("/visit"));

/** End the visit; what was made to take home stays until its own time is over. */
export const endVisit = (): Promise<void> => endWith(() => post("/visit/end"));

async function endWith(call: () => Promise<void>): Promise<void> {
  await runAction(async () => {
    try {
      await call();
    } catch (error) {
      if (!(error instanceof ServerError && error.status === 404)) throw error;
    }
    receive(null);
  });
}

/** Ask where the visit is; false while the server does not answer. */
export async function loadVisit(): Promise<boolean> {
  try {
    receive(await get<Visit>("/visit"));
    online.value = true;
  } catch (error) {
    if (error instanceof ServerError && [401, 403, 404].includes(error.status)) {
      receive(null);
      online.value = true;
    } else online.value = false;
  }
  if (online.value) visitLoaded.value = true;
  return online.value;
}

export async function loadBooth(): Promise<void> {
  try {
    booth.value = { ...DEFAULT_BOOTH, ...(await get<Partial<Booth>>("/booth")) };
  } catch (error) {
    if (error instanceof NetworkError) online.value = false;
  }
}

/** Milliseconds since 1970 of what the server calls `expires`. */
export const parseTime = (expires: string): number => Date.parse(expires);
