import { afterEach, expect, test } from "vitest";
import { chooseLanguage, formatCountdown, LANGUAGES, language, translate } from "../src/words/words";

const placeholders = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

afterEach(() => {
  language.value = "en";
});

test.each(Object.entries(LANGUAGES))("%s has every text, with the same placeholders", (_, { words }) => {
  const english = LANGUAGES.en.words;
  expect(Object.keys(words).sort()).toEqual(Object.keys(english).sort());
  for (const [word, text] of Object.entries(words)) {
    expect(text.trim(), word).not.toBe("");
    expect(placeholders(text), word).toEqual(placeholders(english[word as keyof typeof english]));
  }
});

test("errors, advice and news are sentences, with a capital letter and a full stop", () => {
  const sentences =
    /^(error|camera\.(oval|far|near|dark|side|two|good|taking)$|use\.auto|wait\.working)|\.(more|making|wiped|scan)$/;
  const labels = ["child.making", "friend.more", "copies.more"];
  for (const { words } of Object.values(LANGUAGES)) {
    for (const [key, text] of Object.entries(words)) {
      if (sentences.test(key) && !labels.includes(key)) expect(text, key).toMatch(/^[\p{Lu}\d¿{].*[.?]$/u);
    }
  }
});

test("texts for visitors contain no technical terms", () => {
  for (const { words } of Object.values(LANGUAGES)) {
    expect(Object.values(words).join(" ")).not.toMatch(/latent|inversion|\bloss\b/i);
  }
});

test("the first preferred language that the booth offers is chosen", () => {
  expect(chooseLanguage(["pt-BR", "fr-CA", "de"], ["en", "de", "fr"])).toBe("fr");
  expect(chooseLanguage(["pt-BR"], ["de", "es"])).toBe("de");
  expect(chooseLanguage([], [])).toBe("en");
});

test("values replace placeholders", () => {
  language.value = "de";
  expect(translate("who.face", { number: 2 })).toBe("Gesicht 2");
  expect([formatCountdown(61_000), formatCountdown(-5)]).toEqual(["1:01", "0:00"]);
});
