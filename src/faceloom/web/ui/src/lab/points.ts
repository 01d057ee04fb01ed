/** Points to drag, as parts of the picture's side. Knows no page. */

export type Dot = [number, number];

/** What is tapped so far: pairs that are whole, and perhaps a handle that waits for its target. */
export interface Points {
  pairs: { handle: Dot; target: Dot }[];
  waiting: Dot | null;
}

export const NO_POINTS: Points = { pairs: [], waiting: null };
export const MAX_POINTS = 8;

/** Tap: first what should move, then where to. */
export function addPoint({ pairs, waiting }: Points, at: Dot): Points {
  if (waiting) return { pairs: [...pairs, { handle: waiting, target: at }], waiting: null };
  return pairs.length < MAX_POINTS ? { pairs, waiting: at } : { pairs, waiting };
}

/** Where a pointer is in a box, as parts of it, never outside. */
export function relativePosition(
  x: number,
  y: number,
  box: { left: number; top: number; width: number; height: number },
): Dot {
  const part = (value: number): number => Math.min(1, Math.max(0, value));
  return [part((x - box.left) / box.width), part((y - box.top) / box.height)];
}

/** Ready-made pulls, where an aligned face has its nose and the corners of its mouth. */
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
