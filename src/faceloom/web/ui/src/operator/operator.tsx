/** The operator's page, behind a PIN: state, settings, log, and the end of all visits. Plain tables and switches. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { get, post, put, remove, ServerError } from "../api";
import { Button } from "../parts/button";
import { Dialog } from "../parts/dialog";
import { FIGURES, Keypad } from "../parts/keypad";
import { go } from "../route";
import { load, loadBooth, notice, runAction } from "../state/booth";
import { translate } from "../words/words";
import { Settings, type Values } from "./settings";
import { type Facts, State } from "./state";
import { TestShot } from "./test_shot";
import "./operator.css";

const EVERY_MS = 3000;

export function Operator() {
  const inside = useSignal<boolean | null>(null);
  const enter = async (): Promise<void> => {
    try {
      await get("/operator/state");
      inside.value = true;
    } catch (error) {
      inside.value = false;
      if (!(error instanceof ServerError)) throw error;
    }
  };
  useEffect(() => void enter(), []);
  if (inside.value === null) return <main class="screen operator" aria-busy="true" />;
  if (!inside.value) return <Login onEnter={() => void enter()} />;
  return <Desk onLeave={() => void post("/operator/logout").finally(() => (inside.value = false))} />;
}

function Login({ onEnter }: { onEnter: () => void }) {
  const pin = useSignal("");
  const enter = async (): Promise<void> => {
    const given = pin.value;
    pin.value = "";
    if (await runAction(() => post("/operator/login", { pin: given }).then(() => true))) onEnter();
  };
  return (
    <main class="screen operator login">
      <div class="page">
        <h1>{translate("operator")}</h1>
        <p class="lead">{translate("operator.pin.more")}</p>
        <Keypad
          keys={FIGURES}
          value={pin.value}
          length={12}
          hidden
          onChange={(next) => (pin.value = next)}
          onEnter={() => void enter()}
        />
        <div class="pair">
          <Button icon="back" onClick={() => go("/")}>
            {translate("home")}
          </Button>
          <Button kind="next" disabled={!pin.value} onClick={() => void enter()}>
            {translate("operator.enter")}
          </Button>
        </div>
      </div>
    </main>
  );
}

function Desk({ onLeave }: { onLeave: () => void }) {
  const facts = useSignal<Facts | null>(null);
  const lines = useSignal<string[]>([]);
  const settings = useSignal<Values | null>(null);
  useEffect(() => {
    const look = async (): Promise<void> => {
      try {
        facts.value = await get<Facts>("/operator/state");
        lines.value = (await get<{ lines: string[] }>("/operator/logs")).lines;
      } catch (error) {
        if (error instanceof ServerError && error.status === 401) onLeave();
      }
    };
    void look();
    void load(async () => (settings.value = await get<Values>("/operator/settings")));
    const timer = setInterval(look, EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  const save = async (next: Values): Promise<void> => {
    const saved = await runAction(() => put<Values>("/operator/settings", next));
    if (!saved) return;
    settings.value = saved;
    await loadBooth();
    notice.value = { message: translate("operator.saved"), hint: "" };
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
        {facts.value && <State facts={facts.value} />}
        <TestShot />
      </section>
      <section>
        <h2>{translate("operator.settings")}</h2>
        {settings.value && <Settings values={settings.value} onSave={(next) => void save(next)} />}
      </section>
      <Wipe />
      <section>
        <h2>{translate("operator.logs")}</h2>
        <pre class="log" role="log" tabIndex={0} aria-label={translate("operator.logs")}>
          {lines.value.slice(-60).reverse().join("\n")}
        </pre>
      </section>
    </main>
  );
}

function Wipe() {
  const asking = useSignal<"" | "visits" | "gallery">("");
  const wipe = async (): Promise<void> => {
    await runAction(() => remove(`/operator/${asking.value}`));
    asking.value = "";
  };
  return (
    <section class="wipe">
      <h2>{translate("delete")}</h2>
      <Button icon="bin" onClick={() => (asking.value = "visits")}>
        {translate("operator.wipe")}
      </Button>
      <Button icon="bin" onClick={() => (asking.value = "gallery")}>
        {translate("operator.empty")}
      </Button>
      {asking.value && (
        <Dialog title={translate("operator.wipe.sure")} onClose={() => (asking.value = "")}>
          <div class="pair">
            <Button onClick={() => (asking.value = "")}>{translate("back")}</Button>
            <Button kind="next" icon="bin" onClick={() => void wipe()}>
              {translate("delete")}
            </Button>
          </div>
        </Dialog>
      )}
    </section>
  );
}
