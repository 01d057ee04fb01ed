/** Kiosk mode: no context menu, no zoom, no dragging, and a screen that stays on. */

import { effect } from "@preact/signals";
import { booth } from "./booth";

const prevent = (event: Event): void => event.preventDefault();

function preventZoom(event: KeyboardEvent | WheelEvent): void {
  const keys = event instanceof KeyboardEvent && ["+", "-", "=", "0"].includes(event.key);
  if ((event.ctrlKey || event.metaKey) && (keys || event instanceof WheelEvent)) event.preventDefault();
}

async function stayAwake(): Promise<void> {
  if (document.visibilityState === "visible") await navigator.wakeLock?.request("screen").catch(() => undefined);
}

/** Switch kiosk mode on and off with the booth's setting. */
export function applyKioskMode(): void {
  effect(() => {
    const on = booth.value.kiosk;
    document.documentElement.classList.toggle("kiosk", on);
    const bind = on ? document.addEventListener.bind(document) : document.removeEventListener.bind(document);
    bind("contextmenu", prevent);
    bind("dragstart", prevent);
    bind("gesturestart", prevent);
    bind("keydown", preventZoom as EventListener);
    bind("wheel", preventZoom as EventListener, { passive: false });
    bind("visibilitychange", stayAwake as unknown as EventListener);
    if (on) void stayAwake();
  });
}
