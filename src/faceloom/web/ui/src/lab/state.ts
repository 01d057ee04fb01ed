/** What the Lab looks at: one face of the generator, and what is known of the generator. */

import { computed, signal } from "@preact/signals";
import { get, picture, type Query } from "../api";
import { complain, grown, known, resume } from "../state/booth";
import { Preview, type Values } from "../state/preview";

export type Layers = "all" | "coarse" | "middle" | "fine";
export type Method = "pca" | "sefa";

/** A face: of a seed or of a person, truncated, and moved along two axes by standard deviations. */
export interface Wanted {
  seed: number;
  person: string;
  psi: number;
  cutoff: number;
  method: Method;
  x_axis: number;
  y_axis: number;
  x: number;
  y: number;
  layers: Layers;
}

export interface Layer {
  resolution: number;
  group: Exclude<Layers, "all">;
}

export interface Generator {
  name: string;
  resolution: number;
  layers: Layer[];
}

export interface Axis {
  number: number;
  name: string;
  explained: number;
}

export const REACH = 4; // standard deviations from the middle of the pad to its edge
export const PSI = 0.7;
const ALL_LAYERS = 64;

const START: Wanted = {
  seed: 7,
  person: "",
  psi: PSI,
  cutoff: ALL_LAYERS,
  method: "pca",
  x_axis: 1,
  y_axis: 2,
  x: 0,
  y: 0,
  layers: "all",
};

export const wanted = signal<Wanted>(START);
export const face = signal<string | null>(null);
export const generator = signal<Generator | null>(null);
export const axes = signal<Partial<Record<Method, Axis[]>>>({});

/** Those of the visit whom the generator has found. */
export const found = computed(() => grown.value.filter(({ playable }) => playable));

const preview = new Preview(
  "/lab/face",
  (drawn) => show(drawn),
  complain,
  (path, _, signal) => picture(path, query(wanted.value), signal),
);

/** A face as the server is asked for it. */
export function query(now: Wanted): Query {
  const { person, ...rest } = now;
  return person ? { ...rest, person } : rest;
}

function show(drawn: Blob): void {
  if (face.value) URL.revokeObjectURL(face.value);
  face.value = URL.createObjectURL(drawn);
}

/** Change what is looked at; its picture follows. */
export function look(change: Partial<Wanted> = {}): void {
  wanted.value = { ...wanted.value, ...change };
  preview.want({} as Values);
}

/** Look at somebody of the visit as they are, or at a seed. */
export const lookAt = (person: string): void => look({ person, psi: person ? 1 : PSI, cutoff: ALL_LAYERS, x: 0, y: 0 });

/** Begin with who is there. */
export async function open(): Promise<void> {
  if (!known.value) await resume();
  const person = wanted.value.person;
  if (person && !found.value.some(({ id }) => id === person)) wanted.value = START;
  look();
  try {
    generator.value ??= await get<Generator>("/lab/generator");
  } catch (error) {
    complain(error);
  }
}

export async function findAxes(method: Method): Promise<void> {
  if (axes.value[method]) return;
  try {
    axes.value = { ...axes.value, [method]: await get<Axis[]>("/lab/axes", { method }) };
  } catch (error) {
    complain(error);
  }
}

/** The Lab is left: nothing of it stays in the page's memory. */
export function close(): void {
  preview.stop();
  if (face.value) URL.revokeObjectURL(face.value);
  face.value = null;
}
