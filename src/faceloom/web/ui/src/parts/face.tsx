/** One square face. A new picture fades in over the old one; the photo may lie over it, whole or up to a line. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

interface Layer {
  key: number;
  src: string;
}

/** Give the pictures to lie above one another: a new one comes when it is decoded, and the one below it goes later. */
function useLayers(src: string | null): Layer[] {
  const [layers, setLayers] = useState<Layer[]>([]);
  const count = useRef(0);
  useEffect(() => {
    if (!src) return setLayers([]);
    let wanted = true;
    const image = new Image();
    image.src = src;
    image.decode().then(
      () => wanted && setLayers((old) => [...old.slice(-1), { key: ++count.current, src }]),
      () => undefined, // a picture that is no longer there; the next one comes
    );
    return () => {
      wanted = false;
    };
  }, [src]);
  return layers;
}

interface FaceProps {
  src: string | null;
  alt: string;
  /** What lies over it when `hold` or `split` say so. */
  before?: string | null;
  hold?: boolean;
  /** 0...1: the photo is to the left of the line. */
  split?: number | null;
  children?: ComponentChildren;
  class?: string;
}

export function Face({ src, alt, before, hold, split, children, class: extra }: FaceProps) {
  const layers = useLayers(src);
  const over = before && (hold || typeof split === "number");
  const cut = hold ? 0 : 100 - (split ?? 1) * 100;
  return (
    <figure class={`face ${extra ?? ""} ${layers.length ? "" : "empty"}`}>
      {layers.map(({ key, src: address }, n) => (
        <img key={key} src={address} alt={n === layers.length - 1 ? alt : ""} draggable={false} />
      ))}
      {over && (
        <img class="before" src={before} alt="" draggable={false} style={{ clipPath: `inset(0 ${cut}% 0 0)` }} />
      )}
      {children}
    </figure>
  );
}
