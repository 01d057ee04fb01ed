/** Playing with one face: the picture that is shown, the values of the sliders, and the exact result behind them. */

import { signal } from "@preact/signals";
import { post } from "../api";
import type { Control, Person, Visit } from "../types";
import { act, complain, receive, receivePerson, visit } from "./booth";
import { Preview, type Values } from "./preview";

export const values = signal<Values>({});
/** What is on the screen; null: the person's own picture. */
export const shown = signal<string | null>(null);
/** An exact result is being made. */
export const exact = signal(false);

let whose = "";
let preview: Preview | null = null;
let addresses: string[] = [];
let settling: Promise<void> | null = null;
let unsettled = false;

/** Where a slider stands. */
export const standing = (person: Person, { name, me }: Control, held: Values = values.value): number =>
  held[name] ?? person.controls[name] ?? me;

/** Begin with a person, or go on with the same one. */
export function take(person: Person): void {
  if (whose === person.id) return;
  whose = person.id;
  forgetPreviews();
  preview = new Preview(`/people/${person.id}/preview`, show, complain);
}

export function forgetPreviews(): void {
  preview?.stop();
  values.value = {};
  shown.value = null;
  addresses.forEach((address) => URL.revokeObjectURL(address));
  addresses = [];
}

function show(picture: Blob): void {
  const address = URL.createObjectURL(picture);
  addresses.push(address);
  while (addresses.length > 4) URL.revokeObjectURL(addresses.shift() ?? ""); // those that faded away already
  shown.value = address;
  performance.mark("preview");
}

/** A hand moves a slider. */
export function slide(person: Person, name: string, value: number): void {
  values.value = { ...values.value, [name]: value };
  preview?.want({ ...person.controls, ...values.value });
}

/** The hand let go: ask for the exact result of what stands there now; the newest wins. */
export function settle(): Promise<void> {
  unsettled = true;
  settling ??= (async () => {
    exact.value = true;
    while (unsettled) {
      unsettled = false;
      await settleOnce();
    }
    exact.value = false;
    settling = null;
  })();
  return settling;
}

async function settleOnce(): Promise<void> {
  const asked = values.value;
  const person = visit.value?.people.find(({ id }) => id === whose);
  if (!person || !Object.keys(asked).length) return;
  try {
    absorb(await post<Visit | Person>(`/people/${whose}/controls`, { ...person.controls, ...asked }));
    if (values.value === asked) clear();
  } catch (error) {
    complain(error);
    if (values.value === asked) clear();
  }
}

function clear(): void {
  preview?.stop();
  values.value = {};
  shown.value = null;
}

/** Take in what a change answers with: the person, or the whole visit. */
export function absorb(answer: Visit | Person): void {
  if ("people" in answer) receive(answer);
  else receivePerson(answer);
}

/** Change the person by a call that answers with them; after what a hand let go of, so that Undo takes that back. */
export async function alter(path: string, body?: unknown): Promise<boolean> {
  const answer = await act(async () => {
    await settling;
    return post<Visit | Person>(`/people/${whose}/${path}`, body);
  });
  if (answer) {
    absorb(answer);
    clear();
  }
  return answer !== undefined;
}
