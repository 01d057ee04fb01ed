/** Every word that the page says, in the visitor's language. */

import { computed, signal } from "@preact/signals";
import de from "./de.json";
import en from "./en.json";
import es from "./es.json";
import fr from "./fr.json";

export type TextKey = keyof typeof en;
export type Language = "en" | "de" | "es" | "fr";

export const LANGUAGES: Record<Language, { name: string; words: Record<TextKey, string> }> = {
  en: { name: "English", words: en },
  de: { name: "Deutsch", words: de },
  es: { name: "Español", words: es },
  fr: { name: "Français", words: fr },
};

export const language = signal<Language>("en");
const words = computed(() => LANGUAGES[language.value].words);

/** Say a word; {names} in it are filled from `values`. */
export function translate(word: TextKey, values: Record<string, string | number> = {}): string {
  return (words.value[word] ?? en[word]).replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ""));
}

export const isTextKey = (text: string): text is TextKey => text in en;

/** The first language that is wished for and offered. */
export function chooseLanguage(wished: readonly string[], offered: readonly string[]): Language {
  const there = (code: string): code is Language => code in LANGUAGES && (!offered.length || offered.includes(code));
  return wished.map((tag) => tag.slice(0, 2).toLowerCase()).find(there) ?? offered.find(there) ?? "en";
}

/** Write a number as the language does. */
export const formatNumber = (value: number, format: Intl.NumberFormatOptions = {}): string =>
  new Intl.NumberFormat(language.value, format).format(value);

export const formatCountdown = (ms: number): string => {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
};

export const formatTime = (ms: number): string =>
  new Intl.DateTimeFormat(language.value, { hour: "2-digit", minute: "2-digit" }).format(ms);
