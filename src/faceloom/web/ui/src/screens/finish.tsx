/** What to take home: a picture, a strip, the photo itself changed, a film, or nothing. It counts down to being wiped. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { get, post } from "../api";
import { Button } from "../parts/button";
import { useNow } from "../parts/clock";
import { Icon } from "../parts/icon";
import {
  booth,
  busy,
  currentPerson,
  endVisit,
  load,
  notice,
  parseTime,
  runAction,
  visit,
  wipeVisit,
} from "../state/booth";
import type { Download, Form, Job } from "../types";
import { formatCountdown, formatTime, translate } from "../words/words";
import { finished, Moving } from "./friend";

const FORMS: Form[] = ["single", "strip", "4x6", "paste_back", "film"];

/** Make something to take home; a film takes its time. */
async function make(person: string, form: Form): Promise<Download | null> {
  if (form !== "film") return post<Download>("/visit/finish", { person, form });
  const url = await finished(await post<Job>("/visit/finish", { person, form }));
  const { takes } = await get<{ takes: Download[] }>("/visit/takes");
  return takes.find(({ download }) => download === url) ?? null;
}

export function Finish({ onBack }: { onBack: () => void }) {
  const person = currentPerson.value;
  const form = useSignal<Form>("single");
  const made = useSignal<Download | null>(null);
  const now = useNow();
  useEffect(() => {
    made.value = null;
    let wanted = true;
    void load(async () => {
      const take = person ? await make(person.id, form.value) : null;
      if (wanted) made.value = take;
    });
    return () => {
      wanted = false;
    };
  }, [form.value]);
  const take = made.value;
  const print = async (): Promise<void> => {
    if (!booth.value.printing) return window.print();
    const sent = await runAction(() => post(`/takes/${take?.id}/print`));
    if (sent) notice.value = { message: translate("printing"), hint: "" };
  };
  const show = async (shown: boolean): Promise<void> => {
    const next = await runAction(() => post<Download>(`/takes/${take?.id}/gallery`, { shown }));
    if (next) made.value = next;
  };
  const expires = visit.value ? parseTime(visit.value.expires) : 0;
  const forms = FORMS.filter((name) => name !== "paste_back" || person?.crop);
  return (
    <main class={`screen finish ${form.value}`}>
      <h1 class="unseen">{translate("finish.title")}</h1>
      <div class="stage">
        <figure class={`frame ${take ? "" : "empty"}`}>
          {!take ? (
            <figcaption class="wait">
              <span role="status">{translate("finish.making")}</span>
            </figcaption>
          ) : form.value === "film" ? (
            <Moving src={take.download} />
          ) : (
            <img class="printed" src={take.download} alt={translate("alt.likeness")} />
          )}
        </figure>
      </div>
      <section class="taking">
        <h2>{translate("finish.title")}</h2>
        <div class="chips" role="group" aria-label={translate("finish.form")}>
          {forms.map((name) => (
            <Button
              key={name}
              kind="chip"
              pressed={form.value === name}
              onClick={() => !busy.value && (form.value = name)}
            >
              {translate(`form.${name}`)}
            </Button>
          ))}
        </div>
        {take && !take.reachable ? (
          <p class="lead">{translate("finish.until", { time: formatTime(parseTime(take.expires)) })}</p>
        ) : (
          <div class="scan">
            {take ? (
              <img class="qr" src={take.qr} alt={translate("alt.qr", { url: "" })} />
            ) : (
              <span class="qr" aria-hidden="true" />
            )}
            <p>
              <strong>{translate("finish.scan")}</strong>
              <span class="muted">
                {take ? translate("finish.until", { time: formatTime(parseTime(take.expires)) }) : " "}
              </span>
            </p>
          </div>
        )}
        {booth.value.gallery && take && form.value !== "film" && (
          <label class="switch">
            <input
              type="checkbox"
              role="switch"
              checked={take.gallery}
              onChange={(event) => void show(event.currentTarget.checked)}
            />
            <span>{translate("finish.gallery")}</span>
          </label>
        )}
        <div class="ways">
          <Button icon="print" disabled={!take || form.value === "film"} onClick={() => void print()}>
            {translate("print")}
          </Button>
          {!booth.value.kiosk && take && (
            <a class="button plain" href={`${take.download}?download=1`} download>
              <Icon name="save" />
              <span>{translate("download")}</span>
            </a>
          )}
          <Button icon="back" onClick={onBack}>
            {translate("back")}
          </Button>
          <Button icon="bin" disabled={busy.value} onClick={() => void wipeVisit()}>
            {translate("finish.delete")}
          </Button>
          <Button kind="next" disabled={busy.value} onClick={() => void endVisit()}>
            {translate("finish.end")}
          </Button>
        </div>
        <p class="muted" role="timer" aria-live="off">
          {expires > now ? translate("finish.wiped", { time: formatCountdown(expires - now) }) : ""}
        </p>
      </section>
    </main>
  );
}
