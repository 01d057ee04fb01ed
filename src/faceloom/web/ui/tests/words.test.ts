import { afterEach, expect, test } from "vitest";
import { chooseLanguage, formatCountdown, LANGUAGES, language, translate } from "../src/words/words";

const names = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

afterEach(() => void (language.value = "en"));

test.each(Object.entries(LANGUAGES))("%s says everything, with the same figures in it", (_, { words }) => {
  const english = LANGUAGES.en.words;
  expect(Object.keys(words).sort()).toEqual(Object.keys(english).sort());
  for (const [word, text] of Object.entries(words)) {
    expect(text.trim(), word).not.toBe("");
    expect(names(text), word).toEqual(names(english[word as keyof typeof english]));
  }
});

test("what a visitor reads names no latents, inversions or losses", () => {
  for (const { words } of Object.values(LANGUAGES)) {
    expect(Object.values(words).join(" ")).not.toMatch(/latent|inversion|\bloss\b/i);
  }
});

test("the first wished language that the booth offers", () => {
  expect(chooseLanguage(["pt-BR", "fr-CA", "de"], ["en", "de", "fr"])).toBe("fr");
  expect(chooseLanguage(["pt-BR"], ["de", "es"])).toBe("de");
  expect(chooseLanguage([], [])).toBe("en");
});

test("a word with its values", () => {
  language.value = "de";
  expect(translate("who.face", { number: 2 })).toBe("Gesicht 2");
  expect([formatCountdown(61_000), formatCountdown(-5)]).toEqual(["1:01", "0:00"]);
});
