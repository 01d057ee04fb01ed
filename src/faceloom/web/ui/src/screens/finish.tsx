/** The finish screen: one download in several forms, its QR code, printing, and the end of the visit. */

import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { get, post } from "../api";
import { Button } from "../parts/button";
import { useNow } from "../parts/clock";
import { Film } from "../parts/film";
import { Icon } from "../parts/icon";
import { MyDataButton } from "../parts/my_data";
import { Waiting } from "../parts/waiting";
import {
  booth,
  busy,
  currentPerson,
  endVisit,
  load,
  parseTime,
  runAction,
  showMessage,
  visit,
  wipeVisit,
} from "../state/booth";
import { waitForJob } from "../state/jobs";
import type { Download, DownloadForm, Job } from "../types";
import { formatCountdown, formatTime, translate } from "../words/words";

const FORMS: DownloadForm[] = ["single", "strip", "4x6", "paste_back", "film"];

/** Make a download. Returns null when a film failed or was canceled. */
async function makeDownload(
  person: string,
  form: DownloadForm,
  onProgress: (job: Job) => void,
  signal: AbortSignal,
): Promise<Download | null> {
  const made = await post("/visit/finish", { body: { person, form } });
  if ("download" in made) return made;
  const url = await waitForJob(made, onProgress, signal);
  const { takes } = await get("/visit/downloads");
  return takes.find(({ download }) => download === url) ?? null;
}

export function Finish({ onBack }: { onBack: () => void }) {
  const person = currentPerson.value;
  const form = useSignal<DownloadForm>("single");
  const made = useSignal<Download | null>(null);
  const job = useSignal<Job | null>(null); // of the film that is being made
  useEffect(() => {
    made.value = null;
    job.value = null;
    const controller = new AbortController();
    const report = (now: Job): void => {
      job.value = now;
    };
    void load(async () => {
      const next = person ? await makeDownload(person.id, form.value, report, controller.signal) : null;
      if (!controller.signal.aborted) made.value = next;
    });
    return () => controller.abort();
  }, [form.value]);
  const download = made.value;
  const choose = (name: DownloadForm) => () => {
    if (!busy.value) form.value = name;
  };
  const forms = FORMS.filter((name) => name !== "paste_back" || person?.crop);
  return (
    <main class={`screen finish ${form.value}`}>
      <h1 class="unseen">{translate("finish.title")}</h1>
      <div class="stage">
        <figure class={`frame ${download ? "" : "empty"}`}>
          {!download ? (
            <figcaption class="wait">
              <Waiting
                text={translate(form.value === "film" ? "friend.film.making" : "finish.making")}
                part={job.value?.progress}
                secondsLeft={job.value?.seconds_left ?? null}
                {...(form.value === "film" ? { onCancel: choose("single") } : {})}
              />
            </figcaption>
          ) : form.value === "film" ? (
            <Film src={download.download} />
          ) : (
            <img
              class="printed"
              src={download.download}
              alt={translate("alt.likeness")}
              onLoad={({ currentTarget: image }) =>
                image.classList.toggle("lying", image.naturalWidth > 1.2 * image.naturalHeight)
              }
            />
          )}
        </figure>
      </div>
      <section class="taking">
        <h2>{translate("finish.title")}</h2>
        <div class="chips" role="group" aria-label={translate("finish.form")}>
          {forms.map((name) => (
            <Button key={name} kind="chip" pressed={form.value === name} onClick={choose(name)}>
              {translate(`form.${name}`)}
            </Button>
          ))}
        </div>
        <ScanCode download={download} />
        {booth.value.gallery && download && form.value !== "film" && (
          <GallerySwitch
            download={download}
            onChange={(next) => {
              made.value = next;
            }}
          />
        )}
        <div class="ways">
          <Ways download={download} printable={form.value !== "film"} onBack={onBack} />
        </div>
        <TimeLeft />
      </section>
    </main>
  );
}

/** The QR code of a download with its time of expiry; only the time where a phone does not reach the booth. */
function ScanCode({ download }: { download: Download | null }) {
  const expiry = download && translate("finish.until", { time: formatTime(parseTime(download.expires)) });
  if (download && !download.reachable) return <p class="lead">{expiry}</p>;
  return (
    <div class={`scan ${download ? "" : "later"}`}>
      {download ? (
        <img class="qr" src={download.qr} alt={translate("alt.qr", { url: "" })} />
      ) : (
        <span class="qr" aria-hidden="true" />
      )}
      <p>
        <strong>{translate("finish.scan")}</strong>
        <span class="muted">{expiry ?? " "}</span>
      </p>
    </div>
  );
}

function GallerySwitch({ download, onChange }: { download: Download; onChange: (next: Download) => void }) {
  const show = async (shown: boolean): Promise<void> => {
    const next = await runAction(() => post("/downloads/{id}/gallery", { path: { id: download.id }, body: { shown } }));
    if (next) onChange(next);
  };
  return (
    <label class="switch">
      <input
        type="checkbox"
        role="switch"
        checked={download.gallery}
        onChange={(event) => void show(event.currentTarget.checked)}
      />
      <span>{translate("finish.gallery")}</span>
    </label>
  );
}

interface WaysProps {
  download: Download | null;
  printable: boolean;
  onBack: () => void;
}

/** The buttons: print, download, back, delete, and end the visit. */
function Ways({ download, printable, onBack }: WaysProps) {
  const copies = useSignal(1);
  const print = async (): Promise<void> => {
    if (!download) return;
    if (!booth.value.printing) return window.print();
    const options = { path: { id: download.id }, query: { copies: copies.value } };
    const sent = await runAction(() => post("/downloads/{id}/print", options));
    if (sent)
      showMessage(translate("printing"), sent.left === null ? "" : translate("printing.left", { n: sent.left }));
  };
  return (
    <>
      {booth.value.printing && booth.value.copies > 1 && printable && <Copies copies={copies} />}
      <Button icon="print" disabled={!download || !printable} onClick={() => void print()}>
        {translate("print")}
      </Button>
      {!booth.value.kiosk && download && (
        <a class="button plain" href={`${download.download}?download=1`} download>
          <Icon name="save" />
          <span>{translate("download")}</span>
        </a>
      )}
      <MyDataButton />
      <Button icon="back" onClick={onBack}>
        {translate("back")}
      </Button>
      <Button icon="bin" disabled={busy.value} onClick={() => void wipeVisit()}>
        {translate("finish.delete")}
      </Button>
      <Button kind="next" disabled={busy.value} onClick={() => void endVisit()}>
        {translate("finish.end")}
      </Button>
    </>
  );
}

/** The number of copies, with buttons for one less and one more. */
function Copies({ copies }: { copies: Signal<number> }) {
  const change = (by: number) => () => {
    copies.value = Math.min(booth.value.copies, Math.max(1, copies.value + by));
  };
  return (
    <div class="copies" role="group">
      <Button label={translate("copies.less")} disabled={copies.value <= 1} onClick={change(-1)}>
        −
      </Button>
      <span aria-live="polite">{translate("copies", { n: copies.value })}</span>
      <Button label={translate("copies.more")} disabled={copies.value >= booth.value.copies} onClick={change(1)}>
        +
      </Button>
    </div>
  );
}

function TimeLeft() {
  const left = (visit.value ? parseTime(visit.value.expires) : 0) - useNow();
  return (
    <p class="muted" role="timer" aria-live="off">
      {left > 0 ? translate("finish.wiped", { time: formatCountdown(left) }) : ""}
    </p>
  );
}
