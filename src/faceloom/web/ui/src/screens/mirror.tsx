/** The panel of the live mirror: the visitor's camera moves the likeness; short films to take home. */

import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { get, post } from "../api";
import { Button } from "../parts/button";
import { Dialog } from "../parts/dialog";
import { Film } from "../parts/film";
import { Waiting } from "../parts/waiting";
import { booth, load, visit } from "../state/booth";
import { useCamera } from "../state/camera_hooks";
import { waitForJob } from "../state/jobs";
import { isRevealDue, type Look, playReveal, startMirror } from "../state/mirror";
import type { Download, Job, Person, Picture } from "../types";
import { formatNumber, translate } from "../words/words";

const YEARS = [-40, -20, 0, 20, 40];

type Show = "reveal" | "boomerang";

export function Mirror({ person }: { person: Person }) {
  const video = useRef<HTMLVideoElement>(null);
  const look = useSignal<Look>({ years: 0, friend: "", mix: 1 });
  const show = useSignal<Show | null>(null);
  const camera = useCamera(video, show.value === null);
  useEffect(() => {
    const source = video.current;
    if (!camera.ready || !source || show.value) return;
    return startMirror(source, person, () => look.value);
  }, [camera.ready, person.id, show.value]);
  if (show.value) return <ShowDialog person={person} show={show as Signal<Show | null>} />;
  return (
    <div class="control mirror-panel">
      {camera.problem ? (
        <p role="alert">{translate(`camera.${camera.problem}`)}</p>
      ) : (
        <video
          ref={video}
          class="mirror eye"
          autoPlay
          muted
          playsInline
          onLoadedData={camera.onReady}
          aria-hidden="true"
        />
      )}
      <div class="segments" role="group" aria-label={translate("mirror.years")}>
        {YEARS.map((years) => (
          <Button
            key={years}
            kind="chip"
            pressed={look.value.years === years}
            onClick={() => {
              look.value = { ...look.value, years };
            }}
          >
            {years ? formatNumber(years, { signDisplay: "always" }) : translate("me")}
          </Button>
        ))}
      </div>
      <Friends person={person} look={look} />
      <div class="segments">
        <Button kind="tool" icon="film" onClick={() => (show.value = "boomerang")}>
          {translate("mirror.boomerang")}
        </Button>
        <Button kind="tool" icon="film" onClick={() => (show.value = "reveal")}>
          {translate("mirror.reveal")}
        </Button>
      </div>
    </div>
  );
}

/** The other people of the visit. A first press mixes one in, a second one shows them alone, a third one none of them. */
function Friends({ person, look }: { person: Person; look: Signal<Look> }) {
  const now = visit.value;
  const others: Picture[] = [...(now?.friends ?? []), ...(now?.people ?? []).filter(({ id }) => id !== person.id)];
  const press = (id: string) => () => {
    const { years, friend, mix } = look.value;
    const next = friend !== id ? { friend: id, mix: 0.5 } : mix < 1 ? { friend: id, mix: 1 } : { friend: "", mix: 1 };
    look.value = { years, ...next };
  };
  if (!others.length) return null;
  return (
    <div class="row-of-people" role="group" aria-label={translate("mix.with")}>
      {others.map((other, n) => (
        <button
          type="button"
          key={other.id}
          class="thumb"
          aria-pressed={look.value.friend === other.id}
          aria-label={translate("mix.sample", { number: n + 1 })}
          onClick={press(other.id)}
        >
          <img src={other.image} alt="" draggable={false} />
        </button>
      ))}
    </div>
  );
}

/** A short film: it is made, played, and taken home by its QR code. */
function ShowDialog({ person, show }: { person: Person; show: Signal<Show | null> }) {
  const kind = show.value ?? "reveal";
  const job = useSignal<Job | null>(null);
  const made = useSignal<Download | null>(null);
  const close = (): void => {
    show.value = null;
  };
  useEffect(() => {
    const controller = new AbortController();
    void load(async () => {
      const body = { kind, animated: kind === "boomerang" }; // phones repeat an animated picture by themselves
      const started = await post("/people/{id}/show", { path: { id: person.id }, body });
      const url = await waitForJob(started, (now) => (job.value = now), controller.signal);
      const { takes } = await get("/visit/downloads");
      made.value = takes.find(({ download }) => download === url) ?? null;
      if (!made.value && !controller.signal.aborted) close();
    });
    return () => controller.abort();
  }, []);
  const download = made.value;
  return (
    <Dialog title={translate(`mirror.${kind}`)} onClose={close} class="show">
      {download ? (
        <>
          <div class="taken">
            <Film src={download.download} />
          </div>
          {download.reachable && <img class="qr" src={download.qr} alt={translate("finish.scan")} />}
          {!booth.value.kiosk && (
            <a class="button plain" href={`${download.download}?download=1`} download>
              {translate("download")}
            </a>
          )}
        </>
      ) : (
        <Waiting
          text={translate("friend.film.making")}
          part={job.value?.progress}
          secondsLeft={job.value?.seconds_left ?? null}
          onCancel={close}
        />
      )}
      <Button kind="next" onClick={close}>
        {translate("close")}
      </Button>
    </Dialog>
  );
}

/** Play the reveal of a new likeness over the play screen; a touch or a key ends it. */
export function Reveal({ person }: { person: Person }) {
  const isPlaying = useSignal(false);
  useEffect(() => {
    if (!isRevealDue(person)) return;
    const controller = new AbortController();
    const stop = (): void => controller.abort();
    window.addEventListener("pointerdown", stop);
    window.addEventListener("keydown", stop);
    void playReveal(person, controller.signal, () => (isPlaying.value = true)).then(() => (isPlaying.value = false));
    controller.signal.addEventListener("abort", () => (isPlaying.value = false));
    return () => {
      stop();
      window.removeEventListener("pointerdown", stop);
      window.removeEventListener("keydown", stop);
    };
  }, [person.id]);
  if (!isPlaying.value) return null;
  return (
    <p class="reveal" role="status">
      {translate("reveal.playing")}
    </p>
  );
}
