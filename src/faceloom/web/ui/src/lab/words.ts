/** The Lab's texts. They are loaded with the Lab, and may use technical terms. */

import { fillIn, type Language, language } from "../words/words";
import de from "./words/de.json";
import en from "./words/en.json";
import es from "./words/es.json";
import fr from "./words/fr.json";

export type LabTextKey = keyof typeof en;

const WORDS: Record<Language, Record<LabTextKey, string>> = { en, de, es, fr };

/** Return a text of the Lab in the visitor's language. */
export const translateLab = (key: LabTextKey, values: Record<string, string | number> = {}): string =>
  fillIn(WORDS[language.value][key] ?? en[key], values);
