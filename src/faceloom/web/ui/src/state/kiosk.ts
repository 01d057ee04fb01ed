/** A kiosk has no way out: no menu, no zoom, no dragging, and a screen that stays on. */

import { effect } from "@preact/signals";
import { booth } from "./booth";

const quiet = (event: Event): void => event.preventDefault();

function noZoom(event: KeyboardEvent | WheelEvent): void {
  const keys = event instanceof KeyboardEvent && ["+", "-", "=", "0"].includes(event.key);
  if ((event.ctrlKey || event.metaKey) && (keys || event instanceof WheelEvent)) event.preventDefault();
}

async function stayAwake(): Promise<void> {
  if (document.visibilityState === "visible") await navigator.wakeLock?.request("screen").catch(() => undefined);
}

/** Follow the booth's setting. */
export function keepKiosk(): void {
  effect(() => {
    const on = booth.value.kiosk;
    document.documentElement.classList.toggle("kiosk", on);
    const bind = on ? document.addEventListener.bind(document) : document.removeEventListener.bind(document);
    bind("contextmenu", quiet);
    bind("dragstart", quiet);
    bind("gesturestart", quiet);
    bind("keydown", noZoom as EventListener);
    bind("wheel", noZoom as EventListener, { passive: false });
    bind("visibilitychange", stayAwake as unknown as EventListener);
    if (on) void stayAwake();
  });
}
