/** The texts of the page in four languages, and numbers and times in the format of the language. */

import { computed, signal } from "@preact/signals";
import de from "./de.json";
import en from "./en.json";
import es from "./es.json";
import fr from "./fr.json";

/** The name of a text. */
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

/** Replace every `{name}` of a text by its value. */
export const fillIn = (text: string, values: Record<string, string | number>): string =>
  text.replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ""));

/** Return a text in the visitor's language. */
export const translate = (key: TextKey, values: Record<string, string | number> = {}): string =>
  fillIn(words.value[key] ?? en[key], values);

export const isTextKey = (text: string): text is TextKey => text in en;

export const isLanguage = (code: string): code is Language => code in LANGUAGES;

/** Return the first preferred language that the booth offers. `preferred` are language tags such as "de-AT". */
export function chooseLanguage(preferred: readonly string[], offered: readonly string[]): Language {
  const isOffered = (code: string): code is Language => isLanguage(code) && (!offered.length || offered.includes(code));
  return preferred.map((tag) => tag.slice(0, 2).toLowerCase()).find(isOffered) ?? offered.find(isOffered) ?? "en";
}

export const formatNumber = (value: number, format: Intl.NumberFormatOptions = {}): string =>
  new Intl.NumberFormat(language.value, format).format(value);

/** Join words to a list, as "a and b" in English. */
export const formatList = (items: string[]): string => new Intl.ListFormat(language.value).format(items);

/** Format a remaining time as minutes and seconds: "1:05". */
export const formatCountdown = (ms: number): string => {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
};

/** Format a time of day. `ms` are milliseconds since 1970. */
export const formatTime = (ms: number): string =>
  new Intl.DateTimeFormat(language.value, { hour: "2-digit", minute: "2-digit" }).format(ms);
