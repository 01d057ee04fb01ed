/** Where the page begins. */

import { effect } from "@preact/signals";
import { render } from "preact";
import { App } from "./app";
import { followAddress, route } from "./route";
import { booth, meet, online, resume, visit } from "./state/booth";
import { keepKiosk } from "./state/kiosk";
import { follow } from "./state/events";
import { sendKept } from "./state/photo";
import { chooseLanguage, language, say } from "./words/words";
import "./style/base.css";
import "./style/parts.css";
import "./style/screens.css";

const RETRY_MS = 1500;

function tongue(): void {
  const asked = new URLSearchParams(location.search).get("lang");
  language.value = chooseLanguage([...(asked ? [asked] : []), ...navigator.languages], booth.value.languages);
}

async function start(): Promise<void> {
  await Promise.all([meet(), route.value.page === "visit" ? resume() : undefined]);
  tongue();
  if (route.value.page === "visit" && !online.value) setTimeout(() => void start(), RETRY_MS);
}

followAddress();
tongue();
effect(() => {
  document.documentElement.lang = language.value;
  document.title = booth.value.event ? `${booth.value.event} · faceloom` : `faceloom · ${say("title")}`;
});
effect(() => void (document.documentElement.dataset.look = booth.value.look));
effect(() => {
  if (online.value && visit.value?.state === "camera") void sendKept();
});
// The next visitor speaks the booth's language, not the last one's.
effect(() => {
  if (!visit.value && booth.value.kiosk) tongue();
});
keepKiosk();
follow();
void start();
render(<App />, document.getElementById("booth") as HTMLElement);
