/** What to take home: a picture, a strip, the photo itself changed, a film, or nothing. It counts down to being wiped. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { get, post } from "../api";
import { Button } from "../parts/button";
import { useNow } from "../parts/clock";
import { Icon } from "../parts/icon";
import { act, booth, busy, leave, load, moment, notice, person, visit, wipe } from "../state/booth";
import type { Form, Job, Take } from "../types";
import { clock, hour, say } from "../words/words";
import { finished, Moving } from "./friend";

const FORMS: Form[] = ["single", "strip", "4x6", "paste_back", "film"];

/** Make something to take home; a film takes its time. */
async function make(person: string, form: Form): Promise<Take | null> {
  if (form !== "film") return post<Take>("/visit/finish", { person, form });
  const url = await finished(await post<Job>("/visit/finish", { person, form }));
  const { takes } = await get<{ takes: Take[] }>("/visit/takes");
  return takes.find(({ download }) => download === url) ?? null;
}

export function Finish({ onBack }: { onBack: () => void }) {
  const one = person.value;
  const form = useSignal<Form>("single");
  const made = useSignal<Take | null>(null);
  const now = useNow();
  useEffect(() => {
    made.value = null;
    let wanted = true;
    void load(async () => {
      const take = one ? await make(one.id, form.value) : null;
      if (wanted) made.value = take;
    });
    return () => {
      wanted = false;
    };
  }, [form.value]);
  const take = made.value;
  const print = async (): Promise<void> => {
    if (!booth.value.printing) return window.print();
    const sent = await act(() => post(`/takes/${take?.id}/print`));
    if (sent) notice.value = { message: say("printing"), hint: "" };
  };
  const show = async (shown: boolean): Promise<void> => {
    const next = await act(() => post<Take>(`/takes/${take?.id}/gallery`, { shown }));
    if (next) made.value = next;
  };
  const expires = visit.value ? moment(visit.value.expires) : 0;
  const forms = FORMS.filter((name) => name !== "paste_back" || one?.crop);
  return (
    <main class={`screen finish ${form.value}`}>
      <h1 class="unseen">{say("finish.title")}</h1>
      <div class="stage">
        <figure class={`frame ${take ? "" : "empty"}`}>
          {!take ? (
            <figcaption class="wait">
              <span role="status">{say("finish.making")}</span>
            </figcaption>
          ) : form.value === "film" ? (
            <Moving src={take.download} />
          ) : (
            <img class="printed" src={take.download} alt={say("alt.likeness")} />
          )}
        </figure>
      </div>
      <section class="taking">
        <h2>{say("finish.title")}</h2>
        <div class="chips" role="group" aria-label={say("finish.form")}>
          {forms.map((name) => (
            <Button
              key={name}
              kind="chip"
              pressed={form.value === name}
              onClick={() => !busy.value && (form.value = name)}
            >
              {say(`form.${name}`)}
            </Button>
          ))}
        </div>
        {take && !take.reachable ? (
          <p class="lead">{say("finish.until", { time: hour(moment(take.expires)) })}</p>
        ) : (
          <div class="scan">
            {take ? (
              <img class="qr" src={take.qr} alt={say("alt.qr", { url: "" })} />
            ) : (
              <span class="qr" aria-hidden="true" />
            )}
            <p>
              <strong>{say("finish.scan")}</strong>
              <span class="muted">{take ? say("finish.until", { time: hour(moment(take.expires)) }) : " "}</span>
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
            <span>{say("finish.gallery")}</span>
          </label>
        )}
        <div class="ways">
          <Button icon="print" disabled={!take || form.value === "film"} onClick={() => void print()}>
            {say("print")}
          </Button>
          {!booth.value.kiosk && take && (
            <a class="button plain" href={`${take.download}?download=1`} download>
              <Icon name="save" />
              <span>{say("download")}</span>
            </a>
          )}
          <Button icon="back" onClick={onBack}>
            {say("back")}
          </Button>
          <Button icon="bin" disabled={busy.value} onClick={() => void wipe()}>
            {say("finish.delete")}
          </Button>
          <Button kind="next" disabled={busy.value} onClick={() => void leave()}>
            {say("finish.end")}
          </Button>
        </div>
        <p class="muted" role="timer" aria-live="off">
          {expires > now ? say("finish.wiped", { time: clock(expires - now) }) : ""}
        </p>
      </section>
    </main>
  );
}
