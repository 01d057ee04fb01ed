/** The page: which screen is open, and what lies over all of them. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Button } from "./parts/button";
import { IdleDialog } from "./parts/idle_dialog";
import { LazyPage } from "./parts/lazy_page";
import { StartOver } from "./parts/start_over";
import { go, route } from "./route";
import { Camera } from "./screens/camera";
import { ChooseFaces } from "./screens/choose_faces";
import { Consent } from "./screens/consent";
import { Encoding } from "./screens/encoding";
import { Finish } from "./screens/finish";
import { Friend } from "./screens/friend";
import { Gallery } from "./screens/gallery";
import { Phone } from "./screens/phone";
import { Play } from "./screens/play";
import { Random } from "./screens/random";
import { Welcome } from "./screens/welcome";
import { Wiped } from "./screens/wiped";
import { changeVisit, notice, online, visit, visitLoaded, wiped } from "./state/booth";
import { photoUnsent } from "./state/photo";
import type { Visit } from "./types";
import { translate } from "./words/words";

/** What this window adds to the visit's state: it looks on while somebody is found, or takes a friend's photo. */
interface Aside {
  looking: boolean;
  adding: boolean;
}

/** Which screen a visit is on. Whoever watched themselves appear says when to play. */
export function screenOf(now: Visit, { looking, adding }: Aside): Visit["state"] {
  if (now.state === "welcome") return "consent";
  if (now.state === "play" && looking) return "encoding";
  return adding && (now.state === "play" || now.state === "friend") ? "camera" : now.state;
}

function VisitPage() {
  const looking = useSignal(false);
  const adding = useSignal(false);
  const now = visit.value;
  const aside = { looking: looking.value, adding: adding.value };
  const screen = now ? screenOf(now, aside) : wiped.value ? "wiped" : "welcome";
  useEffect(() => {
    if (now?.state === "encoding") looking.value = true;
    else if (now?.state !== "play") looking.value = false;
    if (now?.state !== "play" && now?.state !== "friend") adding.value = false;
  }, [now?.state]);
  const go = (state: Visit["state"]) => () => void changeVisit("/visit/go", { state });
  useBack(screen, () => {
    if (adding.value) adding.value = false;
    else void changeVisit("/visit/back");
  });
  const photo = (): void => void (adding.value = true);
  switch (screen) {
    case "welcome":
      return <Welcome />;
    case "consent":
      return <Consent />;
    case "camera":
      return adding.value ? <Camera add onBack={() => (adding.value = false)} /> : <Camera />;
    case "who":
      return <ChooseFaces />;
    case "encoding":
      return <Encoding onPlay={() => void (looking.value = false)} />;
    case "play":
      return <Play onFriend={go("friend")} onFinish={go("finish")} />;
    case "friend":
      return <Friend onBack={go("play")} onFinish={go("finish")} onPhoto={photo} />;
    case "finish":
      return <Finish onBack={go("play")} />;
    default:
      return <Wiped />;
  }
}

/** The browser's back button goes back inside the visit, and never out of it. */
function useBack(screen: string, back: () => void): void {
  useEffect(() => {
    if (screen === "welcome" || screen === "wiped") return;
    history.pushState({ visit: true }, "");
    const step = (): void => {
      history.pushState({ visit: true }, "");
      back();
    };
    addEventListener("popstate", step);
    return () => removeEventListener("popstate", step);
  }, [screen]);
}

/** Move the focus to a new screen, so that whoever hears the page hears that it changed. */
function useFocus(screen: string): void {
  useEffect(() => {
    const first = document.querySelector<HTMLElement>("main");
    if (!first || document.querySelector("dialog[open]")) return;
    first.tabIndex = -1;
    first.focus({ preventScroll: true });
  }, [screen]);
}

function Page() {
  const { page, token } = route.value;
  switch (page) {
    case "random":
      return <Random />;
    case "gallery":
      return <Gallery />;
    case "phone":
      return <Phone token={token} />;
    case "lab":
      return <LazyPage key="lab" load={() => import("./lab/lab").then(({ Lab }) => Lab)} />;
    case "operator":
      return <LazyPage key="operator" load={() => import("./operator/operator").then(({ Operator }) => Operator)} />;
    default:
      return visitLoaded.value ? <VisitPage /> : null;
  }
}

export function App() {
  const here = route.value.page;
  useFocus(`${here} ${visit.value?.state ?? ""}`);
  return (
    <>
      <Page />
      {here === "visit" && visit.value && <StartOver />}
      {here === "visit" && <IdleDialog />}
      <Notice />
      {!online.value && (
        <p class="offline" role="status">
          {translate("offline")} {photoUnsent.value && translate("offline.kept")}
        </p>
      )}
      {here === "visit" && <OperatorDoor />}
    </>
  );
}

function Notice() {
  const said = notice.value;
  if (!said) return null;
  return (
    <div class="notice" role="alert">
      <p>
        <strong>{said.message || translate("error")}</strong> {said.hint}
      </p>
      <Button kind="quiet" onClick={() => (notice.value = null)}>
        {translate("close")}
      </Button>
    </div>
  );
}

/** Five quick taps in the upper left corner lead to the operator's page, which asks for the PIN. */
function OperatorDoor() {
  const taps = useSignal<number[]>([]);
  const tap = (event: Event): void => {
    taps.value = [...taps.value, event.timeStamp].filter((when) => event.timeStamp - when < 2000);
    if (taps.value.length >= 5) go("/operator");
  };
  return <div class="door" onPointerDown={tap} aria-hidden="true" />;
}
