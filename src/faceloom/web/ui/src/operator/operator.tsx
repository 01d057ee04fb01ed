/** The operator's page, behind a PIN: state, settings, log, and deletion of all visits or of the gallery. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { get, post, put, remove, ServerError } from "../api";
import { Button } from "../parts/button";
import { Dialog } from "../parts/dialog";
import { DIGITS, Keypad } from "../parts/keypad";
import { go } from "../route";
import { load, loadBooth, runAction, showMessage } from "../state/booth";
import type { BoothSettings, OperatorState } from "../types";
import { translate } from "../words/words";
import { Printing } from "./printing";
import { Settings } from "./settings";
import { StateTable } from "./state";
import { TestShot } from "./test_shot";
import { Counts, Upkeep } from "./upkeep";
import "./operator.css";

const POLL_MS = 3000;
const MAX_PIN = 12; // digits
const LOG_LINES = 60; // number of lines that are shown, the latest first

export function Operator() {
  const loggedIn = useSignal<boolean | null>(null); // null until the server has answered
  const check = async (): Promise<void> => {
    try {
      await get("/operator/state");
      loggedIn.value = true;
    } catch (error) {
      loggedIn.value = false;
      if (!(error instanceof ServerError)) throw error;
    }
  };
  const logOut = (): void => {
    const leave = (): void => {
      loggedIn.value = false;
    };
    post("/operator/logout").then(leave, leave); // after a change of the PIN the session is over already
  };
  useEffect(() => void check(), []);
  if (loggedIn.value === null) return <main class="screen operator" aria-busy="true" />;
  if (!loggedIn.value) return <Login onEnter={() => void check()} />;
  return <Desk onLeave={logOut} />;
}

function Login({ onEnter }: { onEnter: () => void }) {
  const pin = useSignal("");
  const type = (next: string): void => {
    pin.value = next;
  };
  const logIn = async (): Promise<void> => {
    const typed = pin.value;
    pin.value = "";
    const accepted = await runAction(() => post("/operator/login", { body: { pin: typed } }).then(() => true));
    if (accepted) onEnter();
  };
  return (
    <main class="screen operator login">
      <div class="page">
        <h1>{translate("operator")}</h1>
        <p class="lead">{translate("operator.pin.more")}</p>
        <Keypad keys={DIGITS} value={pin.value} length={MAX_PIN} hidden onChange={type} onEnter={() => void logIn()} />
        <div class="pair">
          <Button icon="back" onClick={() => go("/")}>
            {translate("home")}
          </Button>
          <Button kind="next" disabled={!pin.value} onClick={() => void logIn()}>
            {translate("operator.enter")}
          </Button>
        </div>
      </div>
    </main>
  );
}

/** The page after the login. */
function Desk({ onLeave }: { onLeave: () => void }) {
  const state = useSignal<OperatorState | null>(null);
  const lines = useSignal<string[]>([]);
  const settings = useSignal<BoothSettings | null>(null);
  useEffect(() => {
    const update = async (): Promise<void> => {
      try {
        state.value = await get("/operator/state");
        lines.value = (await get("/operator/logs")).lines;
      } catch (error) {
        if (error instanceof ServerError && error.status === 401) onLeave();
      }
    };
    void update();
    void load(async () => {
      settings.value = await get("/operator/settings");
    });
    const timer = setInterval(update, POLL_MS);
    return () => clearInterval(timer);
  }, []);
  const save = async (next: BoothSettings): Promise<void> => {
    const saved = await runAction(() => put("/operator/settings", { body: next }));
    if (!saved) return;
    settings.value = saved;
    await loadBooth();
    showMessage(translate("operator.saved"));
  };
  return (
    <main class="screen operator desk">
      <header>
        <h1>{translate("operator")}</h1>
        <Button icon="back" onClick={() => go("/")}>
          {translate("home")}
        </Button>
        <Button onClick={() => go("/gallery")}>{translate("gallery")}</Button>
        <Button onClick={onLeave}>{translate("operator.leave")}</Button>
      </header>
      <section>
        <h2>{translate("operator.state")}</h2>
        {settings.value?.kiosk && !settings.value.printer && state.value && !state.value.lan && (
          <p class="warning" role="status">
            {translate("op.kiosk.lan")}
          </p>
        )}
        {state.value && <StateTable state={state.value} />}
        <TestShot />
      </section>
      <section>
        <h2>{translate("operator.settings")}</h2>
        {settings.value && <Settings settings={settings.value} onSave={(next) => void save(next)} />}
      </section>
      {settings.value && (
        <Printing
          printer={settings.value.printer ?? ""}
          artwork={state.value?.artwork ?? []}
          onChoose={(printer) => settings.value && void save({ ...settings.value, printer })}
        />
      )}
      {settings.value && (
        <Upkeep
          settings={settings.value}
          ownPin={state.value?.own_pin ?? false}
          onSave={(next) => void save(next)}
          onLeave={onLeave}
        />
      )}
      <section>
        <h2>{translate("op.counts")}</h2>
        {state.value && <Counts counts={state.value.counts} />}
      </section>
      <DeletionSection />
      <section>
        <h2>{translate("operator.logs")}</h2>
        <pre class="log" role="log" tabIndex={0} aria-label={translate("operator.logs")}>
          {lines.value.slice(-LOG_LINES).reverse().join("\n")}
        </pre>
      </section>
    </main>
  );
}

function DeletionSection() {
  const asking = useSignal<"" | "visits" | "gallery">("");
  const ask = (subject: "" | "visits" | "gallery") => () => {
    asking.value = subject;
  };
  const confirm = async (): Promise<void> => {
    const path = asking.value === "visits" ? "/operator/visits" : "/operator/gallery";
    await runAction(() => remove(path));
    asking.value = "";
  };
  return (
    <section class="wipe">
      <h2>{translate("delete")}</h2>
      <Button icon="bin" onClick={ask("visits")}>
        {translate("operator.wipe")}
      </Button>
      <Button icon="bin" onClick={ask("gallery")}>
        {translate("operator.empty")}
      </Button>
      {asking.value && (
        <Dialog title={translate("operator.wipe.sure")} onClose={ask("")}>
          <div class="pair">
            <Button onClick={ask("")}>{translate("back")}</Button>
            <Button kind="next" icon="bin" onClick={() => void confirm()}>
              {translate("delete")}
            </Button>
          </div>
        </Dialog>
      )}
    </section>
  );
}
