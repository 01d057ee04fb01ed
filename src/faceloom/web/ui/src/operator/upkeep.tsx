/** Upkeep for the operator: counts, an own PIN, the settings as a file, and the end of the booth. */

import { useSignal } from "@preact/signals";
import { post, put } from "../api";
import { Button } from "../parts/button";
import { Dialog } from "../parts/dialog";
import { notice, runAction, showMessage } from "../state/booth";
import type { BoothSettings, OperatorState } from "../types";
import { formatNumber, translate } from "../words/words";

const MIN_PIN = 4; // digits
const SHOWN_COUNTS = [
  "visits",
  "photos",
  "refused_photos",
  "failed_encodings",
  "pictures",
  "films",
  "casts",
  "prints",
  "failed_prints",
  "worker_restarts",
] as const;

export function Counts({ counts }: { counts: OperatorState["counts"] }) {
  const wait = counts.encodings ? (counts.encoding_seconds ?? 0) / counts.encodings : 0;
  return (
    <dl class="facts">
      {SHOWN_COUNTS.map((name) => (
        <div key={name}>
          <dt>{translate(`count.${name}`)}</dt>
          <dd>{formatNumber(counts[name] ?? 0)}</dd>
        </div>
      ))}
      <div>
        <dt>{translate("count.wait")}</dt>
        <dd>{formatNumber(wait, { maximumFractionDigits: 1 })}</dd>
      </div>
    </dl>
  );
}

interface UpkeepProps {
  settings: BoothSettings;
  ownPin: boolean;
  onSave: (settings: BoothSettings) => void;
  onLeave: () => void;
}

export function Upkeep({ settings, ownPin, onSave, onLeave }: UpkeepProps) {
  return (
    <section class="upkeep">
      <h2>{translate("op.upkeep")}</h2>
      <OwnPin ownPin={ownPin} onLeave={onLeave} />
      <div class="chips">
        <Button icon="save" onClick={() => saveAsFile(settings)}>
          {translate("op.export")}
        </Button>
        <label class="button plain file">
          <span>{translate("op.import")}</span>
          <input
            type="file"
            accept="application/json"
            class="unseen"
            onChange={(event) => {
              void loadFile(event.currentTarget.files?.[0], settings, onSave);
              event.currentTarget.value = ""; // so that the same file can be chosen again
            }}
          />
        </label>
        <Shutdown />
      </div>
    </section>
  );
}

function OwnPin({ ownPin, onLeave }: { ownPin: boolean; onLeave: () => void }) {
  const pin = useSignal("");
  const set = async (next: string): Promise<void> => {
    const done = await runAction(() => put("/operator/pin", { body: { pin: next } }).then(() => true));
    if (done) onLeave();
  };
  return (
    <form
      class="own-pin"
      data-typing
      onSubmit={(event) => {
        event.preventDefault();
        void set(pin.value);
      }}
    >
      <label class="field">
        <span>{translate("op.pin")}</span>
        <input
          type="password"
          inputMode="numeric"
          autocomplete="new-password"
          pattern="[0-9]{4,12}"
          value={pin.value}
          onInput={(event) => {
            pin.value = event.currentTarget.value;
          }}
        />
      </label>
      <button type="submit" class="button plain" aria-disabled={pin.value.length < MIN_PIN}>
        {translate("op.pin.set")}
      </button>
      {ownPin && <Button onClick={() => void set("")}>{translate("op.pin.forget")}</Button>}
      <p class="muted">{translate("op.pin.more")}</p>
    </form>
  );
}

function saveAsFile(settings: BoothSettings): void {
  const url = URL.createObjectURL(new Blob([JSON.stringify(settings, null, 2)], { type: "application/json" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = "faceloom-booth.json";
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

/** Save the settings of a file. Names that this version does not know are left out. */
async function loadFile(
  file: File | undefined,
  settings: BoothSettings,
  onSave: (next: BoothSettings) => void,
): Promise<void> {
  if (!file) return;
  try {
    const loaded: unknown = JSON.parse(await file.text());
    if (typeof loaded !== "object" || loaded === null) throw new SyntaxError("not an object");
    const known = Object.entries(loaded).filter(([name]) => name in settings);
    if (!known.length) throw new SyntaxError("no settings");
    onSave({ ...settings, ...Object.fromEntries(known) });
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    notice.value = { message: translate("op.import.wrong"), hint: "" };
  }
}

function Shutdown() {
  const asking = useSignal(false);
  const ask = (next: boolean) => () => {
    asking.value = next;
  };
  const confirm = async (): Promise<void> => {
    asking.value = false;
    const done = await runAction(() => post("/operator/shutdown"));
    if (done) showMessage(translate("op.shutdown.done"));
  };
  return (
    <>
      <Button icon="close" onClick={ask(true)}>
        {translate("op.shutdown")}
      </Button>
      {asking.value && (
        <Dialog title={translate("op.shutdown.sure")} onClose={ask(false)}>
          <div class="pair">
            <Button onClick={ask(false)}>{translate("back")}</Button>
            <Button kind="next" onClick={() => void confirm()}>
              {translate("op.shutdown")}
            </Button>
          </div>
        </Dialog>
      )}
    </>
  );
}
