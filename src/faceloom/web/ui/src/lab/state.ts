/** What the Lab looks at: one face of the generator, and what is known of the generator. */

import { computed, signal } from "@preact/signals";
import { fetchPicture, get, type Query } from "../api";
import { loadVisit, photographedPeople, reportError, visitLoaded } from "../state/booth";
import { Preview, type Values } from "../state/preview";

export type Layers = "all" | "coarse" | "middle" | "fine";
export type Method = "pca" | "sefa";

/** A face: of a seed or of a person, truncated, and moved along two axes by standard deviations. */
export interface LabView {
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

const START: LabView = {
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

export const view = signal<LabView>(START);
export const faceUrl = signal<string | null>(null);
export const generator = signal<Generator | null>(null);
export const axes = signal<Partial<Record<Method, Axis[]>>>({});

/** Those of the visit whom the generator has found. */
export const playablePeople = computed(() => photographedPeople.value.filter(({ playable }) => playable));

const preview = new Preview(
  "/lab/face",
  (drawn) => show(drawn),
  reportError,
  (path, _, signal) => fetchPicture(path, viewQuery(view.value), signal),
);

/** A face as the server is asked for it. */
export function viewQuery(now: LabView): Query {
  const { person, ...rest } = now;
  return person ? { ...rest, person } : rest;
}

function show(drawn: Blob): void {
  if (faceUrl.value) URL.revokeObjectURL(faceUrl.value);
  faceUrl.value = URL.createObjectURL(drawn);
}

/** Change what is looked at; its picture follows. */
export function changeView(change: Partial<LabView> = {}): void {
  view.value = { ...view.value, ...change };
  preview.want({} as Values);
}

/** Look at somebody of the visit as they are, or at a seed. */
export const showPerson = (person: string): void =>
  changeView({ person, psi: person ? 1 : PSI, cutoff: ALL_LAYERS, x: 0, y: 0 });

/** Begin with who is there. */
export async function openLab(): Promise<void> {
  if (!visitLoaded.value) await loadVisit();
  const person = view.value.person;
  if (person && !playablePeople.value.some(({ id }) => id === person)) view.value = START;
  changeView();
  try {
    generator.value ??= await get<Generator>("/lab/generator");
  } catch (error) {
    reportError(error);
  }
}

export async function loadAxes(method: Method): Promise<void> {
  if (axes.value[method]) return;
  try {
    axes.value = { ...axes.value, [method]: await get<Axis[]>("/lab/axes", { method }) };
  } catch (error) {
    reportError(error);
  }
}

/** The Lab is left: nothing of it stays in the page's memory. */
export function closeLab(): void {
  preview.stop();
  if (faceUrl.value) URL.revokeObjectURL(faceUrl.value);
  faceUrl.value = null;
}
