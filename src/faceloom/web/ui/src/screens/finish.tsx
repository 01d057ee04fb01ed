/** What to take home: a picture, a strip, the photo itself changed, a film, or nothing. It counts down to being wiped. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { post } from "../api";
import { Button } from "../parts/button";
import { useNow } from "../parts/clock";
import { Icon } from "../parts/icon";
import { act, booth, busy, moment, notice, person, visit, wipe } from "../state/booth";
import type { Finished, Form } from "../types";
import { clock, hour, say } from "../words/words";
import { finished, Moving } from "./friend";

const FORMS: Form[] = ["single", "strip", "4x6", "paste_back", "film"];

export function Finish({ onBack }: { onBack: () => void }) {
  const one = person.value;
  const form = useSignal<Form>("single");
  const made = useSignal<Finished | null>(null);
  const gallery = useSignal(false);
  const now = useNow();
  useEffect(() => {
    made.value = null;
    let wanted = true;
    void act(async () => {
      const body = { person: one?.id, form: form.value, gallery: gallery.value };
      const answer = await post<Finished & { id?: string; state?: "waiting" }>("/visit/finish", body);
      if (!answer.download && answer.id) await finished({ id: answer.id, state: "waiting" });
      if (wanted) made.value = answer;
    });
    return () => {
      wanted = false;
    };
  }, [form.value, gallery.value]);
  const take = made.value;
  const print = async (): Promise<void> => {
    if (!booth.value.printer) return window.print();
    const sent = await act(() => post("/visit/print", { person: one?.id, form: form.value }).then(() => true));
    if (sent) notice.value = { message: say("printing"), hint: "" };
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
            <Moving src={take.image ?? take.download} />
          ) : (
            <img class="printed" src={take.image ?? take.download} alt={say("alt.likeness")} />
          )}
        </figure>
      </div>
      <section class="taking">
        <h2>{say("finish.title")}</h2>
        <div class="chips" role="group" aria-label={say("finish.form")}>
          {forms.map((name) => (
            <Button key={name} kind="chip" pressed={form.value === name} onClick={() => !busy.value && (form.value = name)}>
              {say(`form.${name}`)}
            </Button>
          ))}
        </div>
        <div class="scan">
          {take ? (
            <img class="qr" src={take.qr} alt={say("alt.qr", { url: take.download })} />
          ) : (
            <span class="qr" aria-hidden="true" />
          )}
          <p>
            <strong>{say("finish.scan")}</strong>
            <span class="muted">{take ? say("finish.until", { time: hour(moment(take.expires)) }) : " "}</span>
          </p>
        </div>
        {booth.value.gallery && (
          <label class="switch">
            <input
              type="checkbox"
              role="switch"
              checked={gallery.value}
              onChange={(event) => (gallery.value = event.currentTarget.checked)}
            />
            <span>{say("finish.gallery")}</span>
          </label>
        )}
        <div class="ways">
          <Button icon="print" disabled={!take || form.value === "film"} onClick={() => void print()}>
            {say("print")}
          </Button>
          {!booth.value.kiosk && take && (
            <a class="button plain" href={take.download} download>
              <Icon name="save" />
              <span>{say("download")}</span>
            </a>
          )}
          <Button icon="back" onClick={onBack}>
            {say("back")}
          </Button>
          <Button kind="next" icon="bin" disabled={busy.value} onClick={() => void wipe()}>
            {say("finish.delete")}
          </Button>
        </div>
        <p class="muted" role="timer" aria-live="off">
          {expires > now ? say("finish.wiped", { time: clock(expires - now) }) : ""}
        </p>
      </section>
    </main>
  );
}
