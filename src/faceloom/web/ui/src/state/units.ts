/** Labels, end words, steps and values of sliders, derived from the table of attributes. */

import table from "../attributes.json";
import type { Person, Slider } from "../types";
import { formatNumber, type Language, language, translate } from "../words/words";

interface AttributeWords {
  label: string;
  low: string;
  high: string;
}

const ATTRIBUTES: Record<string, { unit: string; words: Record<Language, AttributeWords> }> = table;
const STEPS: Record<Slider["unit"], number> = { years: 1, degrees: 1, probability: 0.01 };

const wordsOf = (name: string): AttributeWords | undefined => ATTRIBUTES[name]?.words[language.value];

/** Return the label of an attribute. */
export const attributeName = (name: string): string => wordsOf(name)?.label ?? name.replaceAll("_", " ");

/** Return the words at the low and the high end of an attribute's slider. */
export const endLabels = (name: string): [string, string] => [wordsOf(name)?.low ?? "", wordsOf(name)?.high ?? ""];

export const sliderStep = ({ unit }: Pick<Slider, "unit">): number => STEPS[unit];

const signed = (value: number): string => formatNumber(value, { signDisplay: "exceptZero", maximumFractionDigits: 0 });

/** Format a value with its unit: "+12 years", "80%", "-10°". */
export function formatValue({ unit }: Pick<Slider, "unit">, value: number): string {
  if (unit === "years") return translate("years", { n: signed(value) });
  if (unit === "degrees") return translate("degrees", { n: signed(value) });
  return formatNumber(value, { style: "percent", maximumFractionDigits: 0 });
}

/** Format the age that a change of age leads to: "about 46". Other attributes have no such text. */
export function formatResult(slider: Slider, person: Person, value: number): string {
  if (slider.name !== "age" || person.traits.age === undefined) return "";
  const age = Math.max(0, person.traits.age - (person.controls.age ?? 0) + value);
  return translate("about", { n: formatNumber(age, { maximumFractionDigits: 0 }) });
}

/** Return whether a slider is at another value than the person's own. */
export function isChanged(slider: Slider, person: Person): boolean {
  const value = person.controls[slider.name];
  return value !== undefined && Math.abs(value - slider.me) >= sliderStep(slider) / 2;
}
