/** The entry point: apply language, look and kiosk mode, load the visit and render the page. */

import { effect } from "@preact/signals";
import { render } from "preact";
import { App } from "./app";
import { followLocation, route } from "./route";
import { booth, loadBooth, loadVisit, online, visit, visitLoaded } from "./state/booth";
import { followVisitEvents } from "./state/events";
import { applyKioskMode } from "./state/kiosk";
import { resendPhoto } from "./state/photo";
import { chooseLanguage, language, translate } from "./words/words";
import "./style/base.css";
import "./style/parts.css";
import "./style/screens.css";

const RETRY_MS = 1500;

/** Use the language of the address (`?lang=de`), else the browser's, as far as the booth offers it. */
function applyLanguage(): void {
  const requested = new URLSearchParams(location.search).get("lang");
  language.value = chooseLanguage([...(requested ? [requested] : []), ...navigator.languages], booth.value.languages);
}

/** Load the settings and, on the visit's pages, the visit. Without an answer this is tried again. */
async function start(): Promise<void> {
  await Promise.all([loadBooth(), route.peek().page === "visit" ? loadVisit() : undefined]);
  applyLanguage();
  if (route.peek().page === "visit" && !online.value) setTimeout(() => void start(), RETRY_MS);
}

followLocation();
applyLanguage();
effect(() => {
  document.documentElement.lang = language.value;
  document.title = booth.value.event ? `${booth.value.event} · faceloom` : `faceloom · ${translate("title")}`;
});
effect(() => {
  document.documentElement.dataset.look = booth.value.look;
});
// A page that began elsewhere, as at the gallery, asks for the visit when it comes to the first screen.
effect(() => {
  if (route.value.page === "visit" && !visitLoaded.peek()) void start();
});
effect(() => {
  if (online.value && visit.value?.state === "camera") void resendPhoto();
});
// In kiosk mode the next visitor gets the booth's language, not the language that the previous visitor chose.
effect(() => {
  if (!visit.value && booth.value.kiosk) applyLanguage();
});
applyKioskMode();
followVisitEvents();
if (route.value.page !== "visit") void start();
render(<App />, document.getElementById("booth") as HTMLElement);
