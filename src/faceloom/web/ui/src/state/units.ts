/** Values of sliders as people say them. */

import type { Control, Person } from "../types";
import { figure, isWord, say, type Word } from "../words/words";

const ENDS: Record<string, [Word, Word]> = {
  age: ["younger", "older"],
  smile: ["serious", "laughing"],
  glasses: ["no", "yes"],
  yaw: ["left", "right"],
  pitch: ["up", "down"],
  mouth_open: ["closed", "open"],
  eyes_open: ["closed", "open"],
  gender: ["woman", "man"],
};

export const ends = (name: string): [string, string] => {
  const words = ENDS[name];
  return words ? [say(words[0]), say(words[1])] : ["", ""];
};

export const stepOf = ({ unit }: Pick<Control, "unit">): number => (unit === "probability" ? 0.01 : 1);

export const nameOf = (name: string): string => (isWord(name) ? say(name) : name.replaceAll("_", " "));

const signed = (value: number): string => figure(value, { signDisplay: "exceptZero", maximumFractionDigits: 0 });

/** Say a value with its unit: "+12 years", "80 %", "-10°". */
export function inUnits({ unit }: Pick<Control, "unit">, value: number): string {
  if (unit === "years") return say("years", { n: signed(value) });
  if (unit === "degrees") return say("degrees", { n: signed(value) });
  return figure(value, { style: "percent", maximumFractionDigits: 0 });
}

/** Say what a change comes to, where that is another number: "about 46". */
export function comesTo(control: Control, person: Person, value: number): string {
  if (control.name !== "age" || person.traits.age === undefined) return "";
  const age = Math.max(0, person.traits.age - (person.controls.age ?? 0) + value);
  return say("about", { n: figure(age, { maximumFractionDigits: 0 }) });
}

/** Whether a slider stands somewhere else than at "me". */
export function isChanged(control: Control, person: Person): boolean {
  const value = person.controls[control.name];
  return value !== undefined && Math.abs(value - control.me) >= stepOf(control) / 2;
}
