/** A square picture of a face. A new picture fades in over the old one, and a photo can cover it in whole or in part. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

interface Layer {
  key: number;
  src: string;
}

/** Return the pictures to stack. A new one is added when it is decoded; at most one older picture stays below it. */
function useLayers(src: string | null): Layer[] {
  const [layers, setLayers] = useState<Layer[]>([]);
  const count = useRef(0);
  useEffect(() => {
    if (!src) return setLayers([]);
    let outdated = false;
    const image = new Image();
    image.src = src;
    image.decode().then(
      () => !outdated && setLayers((old) => [...old.slice(-1), { key: ++count.current, src }]),
      () => undefined, // the picture was deleted meanwhile; the next one replaces it
    );
    return () => {
      outdated = true;
    };
  }, [src]);
  return layers;
}

interface FaceProps {
  src: string | null;
  alt: string;
  /** Address of the photo that covers the face when `hold` or `split` is set. */
  before?: string | null;
  hold?: boolean;
  /** Position of the dividing line, 0...1; the photo is to its left. */
  split?: number | null;
  children?: ComponentChildren;
  class?: string;
}

export function Face({ src, alt, before, hold, split, children, class: extra }: FaceProps) {
  const layers = useLayers(src);
  const covered = before && (hold || typeof split === "number");
  const hiddenPercent = hold ? 0 : 100 - (split ?? 1) * 100;
  return (
    <figure class={`face ${extra ?? ""} ${layers.length ? "" : "empty"}`}>
      {layers.map(({ key, src: address }, n) => (
        <img key={key} src={address} alt={n === layers.length - 1 ? alt : ""} draggable={false} />
      ))}
      {covered && (
        <img
          class="before"
          src={before}
          alt=""
          draggable={false}
          style={{ clipPath: `inset(0 ${hiddenPercent}% 0 0)` }}
        />
      )}
      {children}
    </figure>
  );
}
