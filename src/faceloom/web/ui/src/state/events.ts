/** What the server tells by itself: one event stream as long as there is a visit. */

import { effect } from "@preact/signals";
import { apiUrl } from "../api";
import type { Progress, Visit } from "../types";
import { loadVisit, online, queuePlace, receive, receiveProgress, visit } from "./booth";

const RETRY_MS = 1500;

/** Follow the visit's stream and come back whenever it breaks. Answers how to stop. */
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
    source.onopen = () => (online.value = true);
    source.onerror = () => {
      online.value = navigator.onLine && source?.readyState === EventSource.CONNECTING ? online.value : false;
      close();
      timer = window.setTimeout(again, RETRY_MS);
    };
    on(source, "visit", (next: Visit) => receive(next));
    on(source, "progress", (next: Progress) => receiveProgress(next));
    on(source, "queue", ({ place }: { place: number }) => (queuePlace.value = place));
  };
  const again = async (): Promise<void> => {
    if (!(await loadVisit())) timer = window.setTimeout(again, RETRY_MS);
    else if (visit.value) open();
  };

  let following = "";
  const stop = effect(() => {
    const id = visit.value?.id ?? "";
    if (id === following) return;
    following = id;
    if (id) open();
    else close();
  });
  return () => {
    stop();
    close();
  };
}

function on<T>(source: EventSource, name: string, receiver: (value: T) => void): void {
  source.addEventListener(name, (event) => receiver(JSON.parse((event as MessageEvent<string>).data) as T));
}
