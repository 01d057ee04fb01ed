/** Points to drag, in fractions of the picture's sides. Nothing here depends on the page. */

/** Horizontal and vertical position, 0...1; the origin is the top left corner. */
export type Point = [number, number];

/** The chosen points: pairs of a handle and its target, and a handle whose target is not chosen yet. */
export interface Points {
  pairs: { handle: Point; target: Point }[];
  waiting: Point | null;
}

export const NO_POINTS: Points = { pairs: [], waiting: null };
export const MAX_POINTS = 8;

/** Add a point: alternately a handle and its target. */
export function addPoint({ pairs, waiting }: Points, at: Point): Points {
  if (waiting) return { pairs: [...pairs, { handle: waiting, target: at }], waiting: null };
  return pairs.length < MAX_POINTS ? { pairs, waiting: at } : { pairs, waiting };
}

/** Return the position of a pointer in a box, in fractions of its sides, limited to the box. */
export function relativePosition(
  x: number,
  y: number,
  box: { left: number; top: number; width: number; height: number },
): Point {
  const limit = (value: number): number => Math.min(1, Math.max(0, value));
  return [limit((x - box.left) / box.width), limit((y - box.top) / box.height)];
}

/** Ready-made drags of the nose and the corners of the mouth of an aligned face. */
export const PRESET_DRAGS: Record<"turn" | "smile" | "nod", Points> = {
  turn: { pairs: [{ handle: [0.5, 0.6], target: [0.57, 0.6] }], waiting: null },
  smile: {
    pairs: [
      { handle: [0.39, 0.71], target: [0.36, 0.69] },
      { handle: [0.61, 0.71], target: [0.64, 0.69] },
    ],
    waiting: null,
  },
  nod: { pairs: [{ handle: [0.5, 0.6], target: [0.5, 0.66] }], waiting: null },
};
