/** A kiosk has no way out: no menu, no zoom, no dragging, and a screen that stays on. */

import { effect } from "@preact/signals";
import { booth } from "./booth";

const preventDefault = (event: Event): void => event.preventDefault();

function preventZoom(event: KeyboardEvent | WheelEvent): void {
  const keys = event instanceof KeyboardEvent && ["+", "-", "=", "0"].includes(event.key);
  if ((event.ctrlKey || event.metaKey) && (keys || event instanceof WheelEvent)) event.preventDefault();
}

async function stayAwake(): Promise<void> {
  if (document.visibilityState === "visible") await navigator.wakeLock?.request("screen").catch(() => undefined);
}

/** Follow the booth's setting. */
export function applyKioskMode(): void {
  effect(() => {
    const on = booth.value.kiosk;
    document.documentElement.classList.toggle("kiosk", on);
    const bind = on ? document.addEventListener.bind(document) : document.removeEventListener.bind(document);
    bind("contextmenu", preventDefault);
    bind("dragstart", preventDefault);
    bind("gesturestart", preventDefault);
    bind("keydown", preventZoom as EventListener);
    bind("wheel", preventZoom as EventListener, { passive: false });
    bind("visibilitychange", stayAwake as unknown as EventListener);
    if (on) void stayAwake();
  });
}
