/** Points that are dragged, colours of styles, and the Lab's words. */

import { expect, test } from "vitest";
import { deviationColor } from "../src/lab/layer_style";
import { addPoint, MAX_POINTS, NO_POINTS, type Points, PRESET_DRAGS, relativePosition } from "../src/lab/points";
import de from "../src/lab/words/de.json";
import en from "../src/lab/words/en.json";
import es from "../src/lab/words/es.json";
import fr from "../src/lab/words/fr.json";

test("a first tap is what should move, the second where to", () => {
  const one = addPoint(NO_POINTS, [0.1, 0.2]);
  expect(one).toEqual({ pairs: [], waiting: [0.1, 0.2] });
  expect(addPoint(one, [0.3, 0.4])).toEqual({ pairs: [{ handle: [0.1, 0.2], target: [0.3, 0.4] }], waiting: null });
});

test("there is an end to points", () => {
  let points: Points = NO_POINTS;
  for (let n = 0; n < 2 * MAX_POINTS + 3; n++) points = addPoint(points, [0.5, 0.5]);
  expect(points.pairs.length).toBe(MAX_POINTS);
  expect(points.waiting).toBeNull();
});

test("a pointer is a part of the picture, and never outside", () => {
  const box = { left: 100, top: 50, width: 200, height: 200 };
  expect(relativePosition(200, 150, box)).toEqual([0.5, 0.5]);
  expect(relativePosition(0, 999, box)).toEqual([0, 1]);
});

test("ready-made pulls lie in the picture", () => {
  const dots = Object.values(PRESET_DRAGS).flatMap(({ pairs }) =>
    pairs.flatMap(({ handle, target }) => [...handle, ...target]),
  );
  expect(dots.every((part) => part > 0 && part < 1)).toBe(true);
});

test("stripes are coral above and blue below, and fuller the further", () => {
  expect(deviationColor(3)).toEqual([255, 111, 77, 255]);
  expect(deviationColor(-9)).toEqual([86, 156, 255, 255]);
  expect(deviationColor(0)[3]).toBe(0);
  expect(deviationColor(1)[3]).toBe(85);
});

test("every language says everything, with the same gaps", () => {
  const gaps = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? "").sort();
  for (const words of [de, es, fr]) {
    expect(Object.keys(words)).toEqual(Object.keys(en));
    for (const [name, text] of Object.entries(en)) expect(gaps(words[name as keyof typeof en])).toEqual(gaps(text));
  }
});
