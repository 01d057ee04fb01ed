/** Labels, end words, steps and values of sliders, derived from the table of attributes. */

import table from "../attributes.json";
import type { Person, Slider } from "../types";
import { formatList, formatNumber, isTextKey, type Language, language, translate } from "../words/words";

interface AttributeWords {
  label: string;
  low: string;
  high: string;
}

const ATTRIBUTES: Record<string, { unit: string; words: Record<Language, AttributeWords> }> = table;
const STEPS: Record<Slider["unit"], number> = { years: 1, degrees: 1, probability: 0.01, points: 1 };
/** Differences between the requested and the reached value that are not mentioned. */
const TOLERANCES: Record<Slider["unit"], number> = {
  years: 1.5,
  degrees: 1.5,
  probability: 0.05,
  points: 1.5,
};
const MAX_LIMITS = 2; // limiting attributes that are named; they are ordered by importance
const UNNAMED_LIMIT = "generator"; // limit of an edit that no bound stopped

const wordsOf = (name: string): AttributeWords | undefined => ATTRIBUTES[name]?.words[language.value];

/** Return the label of an attribute. */
export const attributeName = (name: string): string => wordsOf(name)?.label ?? name.replaceAll("_", " ");

/** Return the words at the low and the high end of an attribute's slider. */
export const endLabels = (name: string): [string, string] => [wordsOf(name)?.low ?? "", wordsOf(name)?.high ?? ""];

export const sliderStep = ({ unit }: Pick<Slider, "unit">): number => STEPS[unit];

const signed = (value: number): string => formatNumber(value, { signDisplay: "exceptZero", maximumFractionDigits: 0 });

/** Format a value with its unit: "+12 years", "80%", "-10°", "+6". */
export function formatValue({ unit }: Pick<Slider, "unit">, value: number): string {
  if (unit === "years") return translate("years", { n: signed(value) });
  if (unit === "degrees") return translate("degrees", { n: signed(value) });
  if (unit === "points") return signed(value);
  return formatNumber(value, { style: "percent", maximumFractionDigits: 0 });
}

/** Return whether the edit of a slider stopped before the requested value. */
export function isLimited({ name, unit, me }: Slider, { controls, outcome }: Person): boolean {
  const [requested, reached] = [controls[name], outcome.reached[name]];
  if (outcome.kept || requested === undefined || reached === undefined) return false;
  return (requested - reached) * Math.sign(requested - me) > TOLERANCES[unit];
}

/** Return the value of a slider in the current picture: the requested one, or the reached one where the edit stopped. */
export function currentValue(slider: Slider, person: Person): number {
  const { name, me } = slider;
  return (isLimited(slider, person) ? person.outcome.reached[name] : person.controls[name]) ?? me;
}

/** Return the sentence that says why a slider stopped, or an empty text. */
export function limitText(slider: Slider, person: Person): string {
  if (!isLimited(slider, person)) return "";
  const limits = person.outcome.limited_by.filter((name) => name !== UNNAMED_LIMIT);
  const names = limits.slice(0, MAX_LIMITS).map(limitName);
  return names.length ? translate("limit.by", { names: formatList(names) }) : translate("limit");
}

function limitName(name: string): string {
  const key = `limit.${name}`;
  return isTextKey(key) ? translate(key) : attributeName(name).toLowerCase();
}

/** Format the age that a change of age leads to: "46 years old". Other attributes have no such text. */
export function formatResult(slider: Slider, person: Person, value: number): string {
  if (slider.name !== "age" || person.traits.age === undefined) return "";
  const reached = person.outcome.reached.age ?? person.controls.age ?? 0; // the part of the age that edits made
  const age = Math.max(0, person.traits.age - reached + value);
  return translate("about", { n: formatNumber(age, { maximumFractionDigits: 0 }) });
}

/** Return whether a slider is at another value than the person's own. */
export function isChanged(slider: Slider, person: Person): boolean {
  return Math.abs(currentValue(slider, person) - slider.me) >= sliderStep(slider) / 2;
}
