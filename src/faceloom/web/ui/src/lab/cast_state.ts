/** State of the Lab's casts: what is asked for, the trial, and the cast that is shown. */

import { computed, signal } from "@preact/signals";
import { BASE_PATH, get, NetworkError, post, remove, ServerError } from "../api";
import { booth, reportError } from "../state/booth";
import { failureText } from "../state/failures";
import type { Cast, CastEstimate, CastFormat, CastOptions, CastOrder } from "../types";

const POLL_MS = 700;
const STORED = "faceloom-cast"; // key of the cast's id in the tab's storage, so that a reload shows it again
const SEEDS = 40_000;

export const FORMATS: CastFormat[] = ["imagefolder", "coco", "webdataset", "nvidia", "parquet"];
export const SIZES = [256, 512, 1024];
export const BACKGROUNDS = ["generated", "transparent", "white", "gray", "green"] as const;

type Background = (typeof BACKGROUNDS)[number];

/** What the form asks for. */
interface Order {
  brief: string;
  size: number;
  background: Background;
  seed: number;
}

export const order = signal<Order>({ brief: "", size: 512, background: "generated", seed: 0 });
export const options = signal<CastOptions | null>(null);
/** What is wrong with the order, as a sentence. */
export const problem = signal("");
export const estimate = signal<CastEstimate | null>(null);
/** Whether a trial is being drawn, or a cast is being begun. */
export const waiting = signal<"" | "trial" | "begin">("");
export const cast = signal<Cast | null>(null);

export const running = computed(() => cast.value?.job.state === "running");
/** The sizes that the server casts. */
export const sizes = computed(() => SIZES.filter((size) => size <= (options.value?.size ?? 1024)));

export function changeOrder(change: Partial<Order>): void {
  order.value = { ...order.value, ...change };
  problem.value = "";
  estimate.value = null;
}

/** Choose another seed: other people for the same brief. */
export const rollSeed = (): void => changeOrder({ seed: Math.floor(Math.random() * SEEDS) });

const body = (): CastOrder => {
  const { brief, size, background, seed } = order.value;
  return { brief: brief.trim(), size, seed, background };
};

/** Run a request about the order; a refusal is shown beside it. */
async function ask<T>(kind: "trial" | "begin", request: () => Promise<T>): Promise<T | undefined> {
  if (waiting.value) return undefined;
  waiting.value = kind;
  problem.value = "";
  try {
    return await request();
  } catch (error) {
    if (error instanceof ServerError && error.status < 500) problem.value = failureText(error);
    else if ((error as Error).name !== "AbortError") reportError(error);
    return undefined;
  } finally {
    waiting.value = "";
  }
}

let trial: AbortController | null = null;

/** Draw a few people, and show the cells, the time and the space. */
export async function tryOrder(): Promise<void> {
  trial = new AbortController();
  const { signal: aborted } = trial;
  estimate.value = (await ask("trial", () => post("/casts/dry-run", { body: body(), signal: aborted }))) ?? null;
}

export const stopTrial = (): void => trial?.abort();

export async function beginCast(): Promise<void> {
  const begun = await ask("begin", () => post("/casts", { body: body() }));
  if (!begun) return;
  estimate.value = null;
  show(begun);
  void follow();
}

/** Replace a person by another one of the same cell. */
export async function replacePerson(number: number): Promise<void> {
  const now = cast.value;
  if (!now || running.value) return;
  try {
    show(await post("/casts/{id}/replace", { path: { id: now.id }, body: { people: [number] } }));
    void follow();
  } catch (error) {
    forgetOrReport(error);
  }
}

/** Cancel the job: a cast that is not finished is erased, a replacement leaves it as it was. */
export async function cancelCast(): Promise<void> {
  const now = cast.value;
  if (!now) return;
  try {
    await remove("/jobs/{id}", { path: { id: now.job.id } });
    if (now.state === "casting") show(null);
    else show(await get("/casts/{id}", { path: { id: now.id } }));
  } catch (error) {
    forgetOrReport(error);
  }
}

export async function eraseCast(): Promise<void> {
  const now = cast.value;
  if (!now) return;
  try {
    await remove("/casts/{id}", { path: { id: now.id } });
    show(null);
  } catch (error) {
    forgetOrReport(error);
  }
}

/** The address of the cast as a zip of a format. */
export const zipUrl = (id: string, format: CastFormat): string =>
  `${BASE_PATH}/api/v1/casts/${encodeURIComponent(id)}/zip?format=${format}`;

function show(next: Cast | null): void {
  cast.value = next;
  if (booth.value.kiosk) return; // the next visitor begins without one
  if (next) sessionStorage.setItem(STORED, next.id);
  else sessionStorage.removeItem(STORED);
}

/** Drop a cast that the server does not know any more, or tell the error. */
function forgetOrReport(error: unknown): void {
  if (error instanceof ServerError && error.status === 404) show(null);
  else reportError(error);
}

let isOpen = false;

/** Request the cast until its job is over, or the page is left. */
async function follow(): Promise<void> {
  const id = cast.value?.id;
  while (isOpen && id && cast.value?.id === id && running.value) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    if (cast.value?.id !== id) return;
    try {
      const now = await get("/casts/{id}", { path: { id } });
      if (cast.value?.id === id) show(now);
    } catch (error) {
      if (error instanceof NetworkError) continue;
      forgetOrReport(error);
      return;
    }
  }
}

/** Load the limits of casts, and the cast that was shown before. */
export async function openCasts(): Promise<void> {
  isOpen = true;
  try {
    options.value ??= await get("/casts");
    if (!sizes.value.includes(order.value.size)) changeOrder({ size: sizes.value.at(-1) ?? options.value.size });
    const id = cast.value?.id ?? sessionStorage.getItem(STORED);
    if (id) show(await get("/casts/{id}", { path: { id } }));
    void follow();
  } catch (error) {
    forgetOrReport(error);
  }
}

export function closeCasts(): void {
  isOpen = false;
  stopTrial();
}
