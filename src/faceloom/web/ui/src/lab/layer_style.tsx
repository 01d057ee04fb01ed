/** One layer's style as stripes: a channel each, blue below the mean face's factor, coral above. */

import { useEffect, useRef } from "preact/hooks";

const FULL = 3; // standard deviations at which a colour is full
const MORE = [255, 111, 77] as const;
const LESS = [86, 156, 255] as const;

/** The colour of a channel's deviation: `[red, green, blue, opacity]`, 0...255. */
export function deviationColor(value: number): [number, number, number, number] {
  const [red, green, blue] = value > 0 ? MORE : LESS;
  return [red, green, blue, Math.round(255 * Math.min(1, Math.abs(value) / FULL))];
}

export function LayerStrip({ values }: { values: number[] }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const pen = canvas.current?.getContext("2d");
    if (!pen || !values.length) return;
    const picture = pen.createImageData(values.length, 1);
    values.forEach((value, n) => picture.data.set(deviationColor(value), 4 * n));
    pen.putImageData(picture, 0, 0);
  }, [values]);
  return <canvas ref={canvas} width={values.length} height={1} aria-hidden="true" />;
}
