/** Events of the visit that the server sends: one event stream while there is a visit. */

import { effect } from "@preact/signals";
import { apiUrl } from "../api";
import { pressShutter } from "../parts/keyboard";
import type { VisitEvents } from "../types";
import { loadVisit, online, queuePlace, receiveProgress, receiveVisit, visit } from "./booth";

const RETRY_MS = 1500;

/** Follow the visit's event stream, and reconnect when it breaks. Returns a function that stops it. */
export function followVisitEvents(): () => void {
  let source: EventSource | null = null;
  let timer = 0;

  const close = (): void => {
    clearTimeout(timer);
    source?.close();
    source = null;
  };
  const open = (): void => {
    close();
    source = new EventSource(apiUrl("/visit/events"));
    source.onopen = () => {
      online.value = true;
    };
    source.onerror = () => {
      online.value = navigator.onLine && source?.readyState === EventSource.CONNECTING ? online.value : false;
      close();
      timer = window.setTimeout(reconnect, RETRY_MS);
    };
    listen(source, "visit", receiveVisit);
    listen(source, "progress", receiveProgress);
    listen(source, "queue", ({ place }) => {
      queuePlace.value = place;
    });
    listen(source, "shutter", pressShutter);
  };
  const reconnect = async (): Promise<void> => {
    if (!(await loadVisit())) timer = window.setTimeout(reconnect, RETRY_MS);
    else if (visit.value) open();
  };

  let followedId = "";
  const stop = effect(() => {
    const id = visit.value?.id ?? "";
    if (id === followedId) return;
    followedId = id;
    if (id) open();
    else close();
  });
  return () => {
    stop();
    close();
  };
}

function listen<Name extends keyof VisitEvents>(
  source: EventSource,
  name: Name,
  receive: (payload: VisitEvents[Name]) => void,
): void {
  source.addEventListener(name, (event) => receive(JSON.parse((event as MessageEvent<string>).data)));
}
