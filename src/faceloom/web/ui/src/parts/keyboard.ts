/** Keys of a screen. A key that the focused thing needs itself stays with it. */

import { useEffect, useRef } from "preact/hooks";

export type Keys = Record<string, (down: boolean) => void>;

const OWN: Record<string, string> = {
  " ": "button, a, input, select, textarea, summary",
  Enter: "button, a, input, select, textarea, summary",
};

/** Bind keys (`event.key`, letters in lower case) as long as the screen is there; called on press and on release. */
export function useKeys(keys: Keys): void {
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => {
    const hear = (event: KeyboardEvent): void => {
      const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
      const bound = latest.current[name];
      const target = event.target instanceof Element ? event.target : null;
      if (!bound || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
      if (document.querySelector("dialog[open]") || target?.closest("[data-typing]")) return;
      if (target?.matches(OWN[name] ?? "textarea, select, input:not([type=range])")) return;
      event.preventDefault();
      bound(event.type === "keydown");
    };
    addEventListener("keydown", hear);
    addEventListener("keyup", hear);
    return () => {
      removeEventListener("keydown", hear);
      removeEventListener("keyup", hear);
    };
  }, []);
}

/** Call `work` on the press only. */
export const onPress =
  (work: () => void) =>
  (down: boolean): void => {
    if (down) work();
  };
