/** Tests of the Lab: points to drag, colors of layer styles, and texts. */

import { expect, test } from "vitest";
import { cellText } from "../src/lab/cast";
import { deviationColor } from "../src/lab/layer_style";
import { addPoint, MAX_POINTS, NO_POINTS, type Points, PRESET_DRAGS, relativePosition } from "../src/lab/points";
import de from "../src/lab/words/de.json";
import en from "../src/lab/words/en.json";
import es from "../src/lab/words/es.json";
import fr from "../src/lab/words/fr.json";
import { language } from "../src/words/words";

test("the first tap sets a handle, the second its target", () => {
  const first = addPoint(NO_POINTS, [0.1, 0.2]);
  expect(first).toEqual({ pairs: [], waiting: [0.1, 0.2] });
  expect(addPoint(first, [0.3, 0.4])).toEqual({ pairs: [{ handle: [0.1, 0.2], target: [0.3, 0.4] }], waiting: null });
});

test("the number of points is limited", () => {
  let points: Points = NO_POINTS;
  for (let n = 0; n < 2 * MAX_POINTS + 3; n++) points = addPoint(points, [0.5, 0.5]);
  expect(points.pairs.length).toBe(MAX_POINTS);
  expect(points.waiting).toBeNull();
});

test("a pointer position is a fraction of the picture, limited to it", () => {
  const box = { left: 100, top: 50, width: 200, height: 200 };
  expect(relativePosition(200, 150, box)).toEqual([0.5, 0.5]);
  expect(relativePosition(0, 999, box)).toEqual([0, 1]);
});

test("preset drags lie inside the picture", () => {
  const coordinates = Object.values(PRESET_DRAGS).flatMap(({ pairs }) =>
    pairs.flatMap(({ handle, target }) => [...handle, ...target]),
  );
  expect(coordinates.every((value) => value > 0 && value < 1)).toBe(true);
});

test("stripes are coral above the mean and blue below it, and more opaque further away", () => {
  expect(deviationColor(3)).toEqual([255, 111, 77, 255]);
  expect(deviationColor(-9)).toEqual([86, 156, 255, 255]);
  expect(deviationColor(0)[3]).toBe(0);
  expect(deviationColor(1)[3]).toBe(85);
});

test("every language has every text, with the same placeholders", () => {
  const placeholders = (text: string): string[] =>
    [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? "").sort();
  for (const words of [de, es, fr]) {
    expect(Object.keys(words)).toEqual(Object.keys(en));
    for (const [name, text] of Object.entries(en))
      expect(placeholders(words[name as keyof typeof en])).toEqual(placeholders(text));
  }
});

test("a group of a cast is named in the visitor's language", () => {
  expect(cellText("age 20-29, gender woman")).toBe("Age 20–29, woman");
  language.value = "de";
  expect(cellText("age 20-29, gender man, glasses yes")).toBe("Alter 20–29, Mann, Brille: mit");
  expect(cellText("anybody")).toBe("alle Arten");
  language.value = "en";
});
