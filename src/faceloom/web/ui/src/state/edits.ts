/** Edits of one person: slider values, the preview while a slider moves, and the exact result afterwards. */

import { signal } from "@preact/signals";
import { post } from "../api";
import type { Person, PersonMix, Slider, SliderValues } from "../types";
import { receivePerson, reportError, runAction, visit } from "./booth";
import { Preview, type Values } from "./preview";
import { currentValue } from "./units";

const KEPT_PREVIEWS = 4; // object URLs of older previews are revoked; by then they have faded out

/** Values of the sliders that moved since the last exact result. */
export const sliderValues = signal<Values>({});
/** The object URL of the preview on screen; null shows the person's own picture. */
export const previewUrl = signal<string | null>(null);
/** Whether an exact result is being computed. */
export const exactPending = signal(false);

let personId = "";
let preview: Preview | null = null;
let previewUrls: string[] = [];
let committing: Promise<void> | null = null;
let uncommitted = false;

/** Return the position of a slider: where it was moved to, or the value in the current picture. */
export const sliderValue = (person: Person, slider: Slider, values: Values = sliderValues.value): number =>
  values[slider.name] ?? currentValue(slider, person);

/** Select the person to edit. Nothing happens when the person is selected already. */
export function selectPerson(person: Person): void {
  if (personId === person.id) return;
  personId = person.id;
  clearPreviews();

  preview = new Preview(person.preview, showPreview, reportError);
}

export function clearPreviews(): void {
  clearSliders();
  for (const url of previewUrls) URL.revokeObjectURL(url);
  previewUrls = [];
}

function clearSliders(): void {
  preview?.stop();
  sliderValues.value = {};
  previewUrl.value = null;
}

function showPreview(picture: Blob): void {
  const url = URL.createObjectURL(picture);
  previewUrls.push(url);
  while (previewUrls.length > KEPT_PREVIEWS) URL.revokeObjectURL(previewUrls.shift() ?? "");
  previewUrl.value = url;
  performance.mark("preview");
}

/** Set a slider while it is dragged, and request a preview. */
export function moveSlider(person: Person, name: string, value: number): void {
  sliderValues.value = { ...sliderValues.value, [name]: value };
  preview?.request({ ...person.controls, ...sliderValues.value });
}

/** Request the exact result after a slider was released. Values that changed meanwhile are requested again. */
export function commitSliders(): Promise<void> {
  uncommitted = true;
  committing ??= (async () => {
    exactPending.value = true;
    while (uncommitted) {
      uncommitted = false;
      await commitOnce();
    }
    exactPending.value = false;
    committing = null;
  })();
  return committing;
}

async function commitOnce(): Promise<void> {
  const requested = sliderValues.value;
  const person = visit.value?.people.find(({ id }) => id === personId);
  if (!person || !Object.keys(requested).length) return;
  try {
    receivePerson(await postValues(personId, { ...person.controls, ...requested }));
  } catch (error) {
    reportError(error);
  }
  if (sliderValues.value === requested) clearSliders();
}

const postValues = (id: string, values: SliderValues): Promise<Person> =>
  post("/people/{id}/edit", { path: { id }, body: values });

/** Edit the selected person. The edit waits for an exact result that is running, so that Undo undoes that one. */
async function editPerson(call: (id: string) => Promise<Person>): Promise<boolean> {
  const person = await runAction(async () => {
    await committing;
    return call(personId);
  });
  if (person) {
    receivePerson(person);
    clearSliders();
  }
  return person !== undefined;
}

export const undo = (): Promise<boolean> => editPerson((id) => post("/people/{id}/undo", { path: { id } }));
export const redo = (): Promise<boolean> => editPerson((id) => post("/people/{id}/redo", { path: { id } }));
/** Set every slider back to the person's own value. */
export const reset = (): Promise<boolean> => editPerson((id) => post("/people/{id}/reset", { path: { id } }));
/** Edit random attributes. */
export const surprise = (): Promise<boolean> => editPerson((id) => post("/people/{id}/surprise", { path: { id } }));
/** Draw the person in a style, or as a photo for an empty name. */
export const setStyle = (style: string): Promise<boolean> =>
  editPerson((id) => post("/people/{id}/style", { path: { id }, body: { style } }));
/** Keep the current step as a version. */
export const keepVersion = (): Promise<boolean> => editPerson((id) => post("/people/{id}/keep", { path: { id } }));
/** Return to a version that was kept. */
export const openVersion = (kept: string): Promise<boolean> =>
  editPerson((id) => post("/people/{id}/kept/{kept}", { path: { id, kept } }));
/** Take layers from another person. */
export const mix = (body: PersonMix): Promise<boolean> =>
  editPerson((id) => post("/people/{id}/mix", { path: { id }, body }));
/** Set several sliders at once. */
export const setSliders = (values: SliderValues): Promise<boolean> => editPerson((id) => postValues(id, values));
