/** A layer's style as a strip: one stripe a channel, blue below the mean face's factor and coral above it. */

import { useEffect, useRef } from "preact/hooks";

const FULL_COLOR = 3; // standard deviations from which a stripe is opaque
const ABOVE = [255, 111, 77] as const;
const BELOW = [86, 156, 255] as const;

/** Return the color of a channel's deviation from the mean face: `[red, green, blue, opacity]`, 0...255. */
export function deviationColor(deviation: number): [number, number, number, number] {
  const [red, green, blue] = deviation > 0 ? ABOVE : BELOW;
  return [red, green, blue, Math.round(255 * Math.min(1, Math.abs(deviation) / FULL_COLOR))];
}

export function LayerStrip({ values }: { values: number[] }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context || !values.length) return;
    const pixels = context.createImageData(values.length, 1);
    for (const [n, value] of values.entries()) pixels.data.set(deviationColor(value), 4 * n);
    context.putImageData(pixels, 0, 0);
  }, [values]);
  return <canvas ref={canvas} width={values.length} height={1} aria-hidden="true" />;
}
