/** The page: the open screen, and what is shown above every screen. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { post } from "./api";
import { Button } from "./parts/button";
import { GuardianDialog } from "./parts/guardian_dialog";
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
import { MyData } from "./screens/my_data";
import { Phone } from "./screens/phone";
import { Play } from "./screens/play";
import { Random } from "./screens/random";
import { Welcome } from "./screens/welcome";
import { Wiped } from "./screens/wiped";
import { changeVisit, notice, online, photographedPeople, visit, visitLoaded, wiped } from "./state/booth";
import { photoUnsent } from "./state/photo";
import type { Visit, VisitState } from "./types";
import { translate } from "./words/words";

type Screen = VisitState | "welcome" | "wiped";

/** State of this window besides the visit: it shows the encoding, or takes the photo of one more person. */
interface WindowState {
  watchingEncoding: boolean;
  addingPerson: boolean;
}

const isPlaying = (state: VisitState | undefined): boolean => state === "play" || state === "friend";

/** Return the screen of a visit. After an encoding the visitor decides when to play. */
export function screenOf(now: Visit, { watchingEncoding, addingPerson }: WindowState): VisitState {
  if (now.state === "play" && watchingEncoding) return "encoding";
  return addingPerson && isPlaying(now.state) ? "camera" : now.state;
}

function VisitPage() {
  const watchingEncoding = useSignal(false);
  const addingPerson = useSignal(false);
  const setAdding = (adding: boolean) => () => {
    addingPerson.value = adding;
  };
  const now = visit.value;
  const state = { watchingEncoding: watchingEncoding.value, addingPerson: addingPerson.value };
  const screen: Screen = now ? screenOf(now, state) : wiped.value ? "wiped" : "welcome";
  useEffect(() => {
    if (now?.state === "encoding") watchingEncoding.value = true;
    else if (now?.state !== "play") watchingEncoding.value = false;
    if (!isPlaying(now?.state)) addingPerson.value = false;
  }, [now?.state]);
  const goTo = (next: "play" | "friend" | "finish") => () =>
    void changeVisit(() => post("/visit/go", { body: { state: next } }));
  const startPlaying = (): void => {
    watchingEncoding.value = false;
    if (photographedPeople.value.length > 1) goTo("friend")(); // two people came for their blend
  };
  useBackButton(screen, () => {
    if (addingPerson.value) addingPerson.value = false;
    else void changeVisit(() => post("/visit/back"));
  });
  switch (screen) {
    case "welcome":
      return <Welcome />;
    case "consent":
      return <Consent />;
    case "camera":
      return addingPerson.value ? <Camera add onBack={setAdding(false)} /> : <Camera />;
    case "who":
      return <ChooseFaces />;
    case "encoding":
      return <Encoding onPlay={startPlaying} />;
    case "play":
      return <Play onFriend={goTo("friend")} onFinish={goTo("finish")} />;
    case "friend":
      return <Friend onBack={goTo("play")} onFinish={goTo("finish")} onPhoto={setAdding(true)} />;
    case "finish":
      return <Finish onBack={goTo("play")} />;
    default:
      return <Wiped />;
  }
}

/** Make the browser's back button go back inside the visit instead of leaving it. */
function useBackButton(screen: Screen, back: () => void): void {
  useEffect(() => {
    if (screen === "welcome" || screen === "wiped") return;
    history.pushState({ visit: true }, "");
    const goBack = (): void => {
      history.pushState({ visit: true }, "");
      back();
    };
    addEventListener("popstate", goBack);
    return () => removeEventListener("popstate", goBack);
  }, [screen]);
}

/** Move the focus to a new screen, so that screen readers announce it. */
function useFocus(screen: string): void {
  useEffect(() => {
    const main = document.querySelector<HTMLElement>("main");
    if (!main || document.querySelector("dialog[open]")) return;
    main.tabIndex = -1;
    main.focus({ preventScroll: true });
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
    case "my-data":
      return <MyData code={token} />;
    case "lab":
      return <LazyPage key="lab" load={() => import("./lab/lab").then(({ Lab }) => Lab)} />;
    case "operator":
      return <LazyPage key="operator" load={() => import("./operator/operator").then(({ Operator }) => Operator)} />;
    default:
      return visitLoaded.value ? <VisitPage /> : null;
  }
}

export function App() {
  const { page } = route.value;
  useFocus(`${page} ${visit.value?.state ?? ""}`);
  return (
    <>
      <Page />
      {page === "visit" && visit.value && <StartOver />}
      {page === "visit" && <GuardianDialog />}
      {page === "visit" && <IdleDialog />}
      <Notice />
      {!online.value && (
        <p class="offline" role="status">
          {translate("offline")} {photoUnsent.value && translate("offline.kept")}
        </p>
      )}
      {page === "visit" && <OperatorDoor />}
    </>
  );
}

function Notice() {
  const shown = notice.value;
  if (!shown) return null;
  const close = (): void => {
    notice.value = null;
  };
  return (
    <div class={`notice ${shown.good ? "good" : ""}`} role={shown.good ? "status" : "alert"}>
      <p>
        <strong>{shown.message || translate("error")}</strong> {shown.hint}
      </p>
      <Button kind="quiet" onClick={close}>
        {translate("close")}
      </Button>
    </div>
  );
}

const DOOR_TAPS = 5;
const DOOR_MS = 2000;

/** The hidden way to the operator's page, which asks for the PIN: five quick taps in the upper left corner. */
function OperatorDoor() {
  const taps = useSignal<number[]>([]);
  const tap = (event: Event): void => {
    taps.value = [...taps.value, event.timeStamp].filter((time) => event.timeStamp - time < DOOR_MS);
    if (taps.value.length >= DOOR_TAPS) go("/operator");
  };
  return <div class="door" onPointerDown={tap} aria-hidden="true" />;
}
