/** The Lab's own words: fetched with the Lab, since few visitors open it. Here, and only here, they may be technical. */

import { type Language, language } from "../words/words";
import de from "./words/de.json";
import en from "./words/en.json";
import es from "./words/es.json";
import fr from "./words/fr.json";

export type LabTextKey = keyof typeof en;

const WORDS: Record<Language, Record<LabTextKey, string>> = { en, de, es, fr };

/** Say a word of the Lab; {names} in it are filled from `values`. */
export function translateLab(word: LabTextKey, values: Record<string, string | number> = {}): string {
  return (WORDS[language.value][word] ?? en[word]).replace(/\{(\w+)\}/g, (_, name: string) =>
    String(values[name] ?? ""),
  );
}
