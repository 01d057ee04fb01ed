/** Values of sliders as people say them. */

import type { Control, Person } from "../types";
import { formatNumber, isTextKey, type TextKey, translate } from "../words/words";

const ENDS: Record<string, [TextKey, TextKey]> = {
  age: ["younger", "older"],
  smile: ["serious", "laughing"],
  glasses: ["no", "yes"],
  yaw: ["left", "right"],
  pitch: ["up", "down"],
  mouth_open: ["closed", "open"],
  eyes_open: ["closed", "open"],
  gender: ["woman", "man"],
};

export const endLabels = (name: string): [string, string] => {
  const words = ENDS[name];
  return words ? [translate(words[0]), translate(words[1])] : ["", ""];
};

export const sliderStep = ({ unit }: Pick<Control, "unit">): number => (unit === "probability" ? 0.01 : 1);

export const attributeName = (name: string): string => (isTextKey(name) ? translate(name) : name.replaceAll("_", " "));

const signed = (value: number): string => formatNumber(value, { signDisplay: "exceptZero", maximumFractionDigits: 0 });

/** Say a value with its unit: "+12 years", "80 %", "-10°". */
export function formatValue({ unit }: Pick<Control, "unit">, value: number): string {
  if (unit === "years") return translate("years", { n: signed(value) });
  if (unit === "degrees") return translate("degrees", { n: signed(value) });
  return formatNumber(value, { style: "percent", maximumFractionDigits: 0 });
}

/** Say what a change comes to, where that is another number: "about 46". */
export function formatResult(control: Control, person: Person, value: number): string {
  if (control.name !== "age" || person.traits.age === undefined) return "";
  const age = Math.max(0, person.traits.age - (person.controls.age ?? 0) + value);
  return translate("about", { n: formatNumber(age, { maximumFractionDigits: 0 }) });
}

/** Whether a slider stands somewhere else than at "me". */
export function isChanged(control: Control, person: Person): boolean {
  const value = person.controls[control.name];
  return value !== undefined && Math.abs(value - control.me) >= sliderStep(control) / 2;
}
