/** Keyboard shortcuts of a screen. A key that the focused element uses itself is left to it. */

import { useEffect, useRef } from "preact/hooks";

export type Keys = Record<string, (down: boolean) => void>;

/** Elements that use a key themselves, as CSS selectors. */
const USED_BY: Record<string, string> = {
  " ": "button, a, input, select, textarea, summary",
  Enter: "button, a, input, select, textarea, summary",
};

/** Bind keys while the component is mounted. Keys are `event.key`, letters in lower case; press and release are reported. */
export function useKeys(keys: Keys): void {
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
      const bound = latest.current[name];
      const target = event.target instanceof Element ? event.target : null;
      if (!bound || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
      if (document.querySelector("dialog[open]") || target?.closest("[data-typing]")) return;
      if (target?.matches(USED_BY[name] ?? "textarea, select, input:not([type=range])")) return;
      event.preventDefault();
      bound(event.type === "keydown");
    };
    addEventListener("keydown", onKey);
    addEventListener("keyup", onKey);
    return () => {
      removeEventListener("keydown", onKey);
      removeEventListener("keyup", onKey);
    };
  }, []);
}

/** Do what the space bar does on the open screen: a button of the booth was pressed. */
export function pressShutter(): void {
  for (const type of ["keydown", "keyup"]) document.dispatchEvent(new KeyboardEvent(type, { key: " ", bubbles: true }));
}

/** Return a handler that runs `work` when the key is pressed, not when it is released. */
export const onPress =
  (work: () => void) =>
  (down: boolean): void => {
    if (down) work();
  };
