import { expect, test } from "vitest";
import { adviseOnFaces, type Box, frameToStage, measureBrightness } from "../src/state/camera";

const WIDE = { width: 1920, height: 1080 };
const PHONE = { width: 390, height: 844 };
const face = (x: number, y: number, height: number, width = height * 0.45): Box => [
  x - width / 2,
  y - height / 2,
  width,
  height,
];

test.each([
  ["oval", [], 0.5],
  ["dark", [face(0.5, 0.48, 0.45)], 0.05],
  ["good", [face(0.5, 0.48, 0.45)], 0.5],
  ["far", [face(0.5, 0.48, 0.15)], 0.5],
  ["near", [face(0.5, 0.48, 0.8)], 0.5],
  ["side", [face(0.75, 0.48, 0.45)], 0.5],
  ["two", [face(0.35, 0.48, 0.4), face(0.65, 0.48, 0.35)], 0.5],
  ["good", [face(0.5, 0.48, 0.45), face(0.9, 0.3, 0.1)], 0.5], // a face far behind is ignored
] as const)("%s", (advice, boxes, light) => {
  expect(adviseOnFaces([...boxes] as Box[], light, WIDE)).toBe(advice);
});

test("on a phone the oval is as wide as the screen allows", () => {
  expect(adviseOnFaces([face(0.5, 0.48, 0.4, 0.6)], 0.5, PHONE)).toBe("good");
});

test("a frame that the stage cuts off at the sides is wider than the stage", () => {
  const [x, , w] = frameToStage([0.25, 0, 0.5, 1], { width: 1600, height: 900 }, { width: 900, height: 900 });
  expect(x).toBeCloseTo(0.5 - (0.25 * 16) / 9);
  expect(w).toBeCloseTo((0.5 * 16) / 9);
});

test("dark clothes do not make a room dark", () => {
  const [black, skin] = [
    [0, 0, 0, 255],
    [200, 160, 140, 255],
  ] as const;
  const picture = (light: number) => Array.from({ length: 100 }, (_, n) => (n < light ? skin : black)).flat();
  expect(measureBrightness(new Uint8ClampedArray(picture(20)))).toBeGreaterThan(0.5);
  expect(measureBrightness(new Uint8ClampedArray(picture(2)))).toBe(0);
  expect(measureBrightness(new Uint8ClampedArray())).toBe(1);
});
