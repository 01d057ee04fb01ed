/** Playing with one face: the picture that is shown, the values of the sliders, and the exact result behind them. */

import { signal } from "@preact/signals";
import { post } from "../api";
import type { Control, Person, Visit } from "../types";
import { receive, receivePerson, reportError, runAction, visit } from "./booth";
import { Preview, type Values } from "./preview";

export const sliderValues = signal<Values>({});
/** What is on the screen; null: the person's own picture. */
export const previewUrl = signal<string | null>(null);
/** An exact result is being made. */
export const exactPending = signal(false);

let personId = "";
let preview: Preview | null = null;
let previewUrls: string[] = [];
let committing: Promise<void> | null = null;
let uncommitted = false;

/** Where a slider stands. */
export const sliderValue = (person: Person, { name, me }: Control, values: Values = sliderValues.value): number =>
  values[name] ?? person.controls[name] ?? me;

/** Begin with a person, or go on with the same one. */
export function selectPerson(person: Person): void {
  if (personId === person.id) return;
  personId = person.id;
  clearPreviews();
  preview = new Preview(`/people/${person.id}/preview`, show, reportError);
}

export function clearPreviews(): void {
  preview?.stop();
  sliderValues.value = {};
  previewUrl.value = null;
  previewUrls.forEach((address) => URL.revokeObjectURL(address));
  previewUrls = [];
}

function show(picture: Blob): void {
  const address = URL.createObjectURL(picture);
  previewUrls.push(address);
  while (previewUrls.length > 4) URL.revokeObjectURL(previewUrls.shift() ?? ""); // those that faded away already
  previewUrl.value = address;
  performance.mark("preview");
}

/** A hand moves a slider. */
export function moveSlider(person: Person, name: string, value: number): void {
  sliderValues.value = { ...sliderValues.value, [name]: value };
  preview?.want({ ...person.controls, ...sliderValues.value });
}

/** The hand let go: ask for the exact result of what stands there now; the newest wins. */
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
    receiveAnswer(await post<Visit | Person>(`/people/${personId}/controls`, { ...person.controls, ...requested }));
    if (sliderValues.value === requested) clearSliders();
  } catch (error) {
    reportError(error);
    if (sliderValues.value === requested) clearSliders();
  }
}

function clearSliders(): void {
  preview?.stop();
  sliderValues.value = {};
  previewUrl.value = null;
}

/** Take in what a change answers with: the person, or the whole visit. */
export function receiveAnswer(answer: Visit | Person): void {
  if ("people" in answer) receive(answer);
  else receivePerson(answer);
}

/** Change the person by a call that answers with them; after what a hand let go of, so that Undo takes that back. */
export async function editPerson(path: string, body?: unknown): Promise<boolean> {
  const answer = await runAction(async () => {
    await committing;
    return post<Visit | Person>(`/people/${personId}/${path}`, body);
  });
  if (answer) {
    receiveAnswer(answer);
    clearSliders();
  }
  return answer !== undefined;
}
