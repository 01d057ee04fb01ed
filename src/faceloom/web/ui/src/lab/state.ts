/** State of the Lab: the face that is shown, and facts about the generator. */

import { computed, signal } from "@preact/signals";
import { apiUrl, fetchPicture, get } from "../api";
import { loadVisit, photographedPeople, reportError, visitLoaded } from "../state/booth";
import { Preview } from "../state/preview";
import type { Axis, Generator, LabFace } from "../types";

export type Layers = LabFace["layers"];
export type Method = LabFace["method"];

/** The face to show: of a seed or a person, truncated, and moved along two axes by standard deviations. */
export type LabView = Omit<LabFace, "size">;

export const REACH = 4; // standard deviations from the middle of the pad to its edge
const PSI = 0.7; // truncation of a seed's face at first
const ALL_LAYERS = 64; // more layers than any generator has

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
/** The object URL of the picture of `view`. */
export const faceUrl = signal<string | null>(null);
export const generator = signal<Generator | null>(null);
export const axes = signal<Partial<Record<Method, Axis[]>>>({});

/** The photographed people of the visit who are encoded. */
export const playablePeople = computed(() => photographedPeople.value.filter(({ playable }) => playable));

const preview = new Preview(
  "", // the address depends on `view`, not on slider values
  (picture) => showPicture(picture),
  reportError,
  (_, signal) => fetchPicture(apiUrl("/lab/face", { query: view.value }), signal),
);

function showPicture(picture: Blob): void {
  if (faceUrl.value) URL.revokeObjectURL(faceUrl.value);
  faceUrl.value = URL.createObjectURL(picture);
}

/** Change the view, and request its picture. */
export function changeView(change: Partial<LabView> = {}): void {
  view.value = { ...view.value, ...change };
  preview.request({});
}

/** Show a person of the visit without truncation and moves, or with an empty id a seed's face. */
export const showPerson = (person: string): void =>
  changeView({ person, psi: person ? 1 : PSI, cutoff: ALL_LAYERS, x: 0, y: 0 });

/** Load the visit and the generator's facts, and request the first picture. */
export async function openLab(): Promise<void> {
  if (!visitLoaded.value) await loadVisit();
  const { person } = view.value;
  if (person && !playablePeople.value.some(({ id }) => id === person)) view.value = START;
  changeView();
  try {
    generator.value ??= await get("/lab/generator");
  } catch (error) {
    reportError(error);
  }
}

/** Load the axes that a method discovered, unless they are loaded already. */
export async function loadAxes(method: Method): Promise<void> {
  if (axes.value[method]) return;
  try {
    axes.value = { ...axes.value, [method]: await get("/lab/axes", { query: { method } }) };
  } catch (error) {
    reportError(error);
  }
}

/** Stop requests, and free the picture. */
export function closeLab(): void {
  preview.stop();
  if (faceUrl.value) URL.revokeObjectURL(faceUrl.value);
  faceUrl.value = null;
}
