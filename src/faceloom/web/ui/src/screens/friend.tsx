/** Two people: a face between them, their children, the film from one to the other. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { apiUrl, get, post } from "../api";
import { Button } from "../parts/button";
import { Face } from "../parts/face";
import { Keypad, LETTERS } from "../parts/keypad";
import { Slider } from "../parts/slider";
import {
  busy,
  currentPerson,
  load,
  loadVisit,
  notice,
  photographedPeople,
  reportError,
  runAction,
  visit,
} from "../state/booth";
import { Preview } from "../state/preview";
import type { Job, Person, Sample } from "../types";
import { formatNumber, translate } from "../words/words";
import { Children } from "./children";

type View = "blend" | "children" | "film";

/** The one who plays, and the other: a friend who agreed, or the second face of the photo. */
export function pair(one: Person | null, people: Person[], friends: Sample[]): [Sample, Sample] | null {
  const a = people.find(({ id }) => id === one?.id) ?? people[0];
  const b = friends[0] ?? people.find(({ id }) => id !== a?.id);
  return a && b ? [a, b] : null;
}

interface FriendProps {
  onBack: () => void;
  onFinish: () => void;
  onPhoto: () => void;
}

export function Friend({ onBack, onFinish, onPhoto }: FriendProps) {
  const view = useSignal<View>("blend");
  const both = pair(currentPerson.value, photographedPeople.value, visit.value?.friends ?? []);
  if (!both) return <Invite onBack={onBack} onPhoto={onPhoto} />;
  const [a, b] = both;
  return (
    <main class="screen friend">
      <h1 class="unseen">{translate("friend.title")}</h1>
      {view.value === "children" ? (
        <Children a={a} b={b} onPlay={onBack} />
      ) : view.value === "film" ? (
        <Film a={a} b={b} />
      ) : (
        <Blend a={a} b={b} />
      )}
      <nav class="chips">
        <Button kind="plain" icon="back" onClick={onBack}>
          {translate("back")}
        </Button>
        {(["blend", "children", "film"] as const).map((name) => (
          <Button key={name} kind="chip" pressed={view.value === name} onClick={() => (view.value = name)}>
            {translate(`friend.${name}`)}
          </Button>
        ))}
        <Button kind="next" onClick={onFinish}>
          {translate("done")}
        </Button>
      </nav>
    </main>
  );
}

function Blend({ a, b }: { a: Sample; b: Sample }) {
  const t = useSignal(0.5);
  const picture = useSignal<string | null>(null);
  const preview = useSignal<Preview | null>(null);
  useEffect(() => {
    const made: string[] = [];
    const show = (blob: Blob): void => {
      made.push(URL.createObjectURL(blob));
      while (made.length > 4) URL.revokeObjectURL(made.shift() ?? "");
      picture.value = made.at(-1) ?? null;
    };
    const asking = new Preview(`/blend?a=${a.id}&b=${b.id}`, show, reportError, (path, query, signal) =>
      fetchBlend(path, Number(query.t), Number(query.n), signal),
    );
    preview.value = asking;
    asking.want({ t: t.value });
    return () => {
      asking.stop();
      made.forEach((url) => URL.revokeObjectURL(url));
    };
  }, [a.id, b.id, a.image, b.image]);
  const text = formatNumber(t.value, { style: "percent", maximumFractionDigits: 0 });
  return (
    <>
      <div class="stage three">
        <Face src={a.image} alt={translate("person", { number: 1 })} class="side" />
        <Face src={picture.value} alt={translate("alt.blend")} class="middle">
          <figcaption class="mark">{translate("ai")}</figcaption>
        </Face>
        <Face src={b.image} alt={translate("person", { number: 2 })} class="side" />
      </div>
      <div class="panel between">
        <img class="thumb-end" src={a.image} alt="" />
        <Slider
          label={translate("friend.between")}
          low={0}
          high={1}
          step={0.01}
          value={t.value}
          notch={0.5}
          text={text}
          onSlide={(next) => {
            t.value = next;
            preview.value?.want({ t: next });
          }}
        />
        <img class="thumb-end" src={b.image} alt="" />
      </div>
    </>
  );
}

async function fetchBlend(path: string, t: number, n: number, signal: AbortSignal): Promise<Blob> {
  const answer = await fetch(`${apiUrl(path)}&t=${t}&n=${n}`, { signal, credentials: "same-origin" });
  if (!answer.ok) throw new DOMException("late", "AbortError");
  return answer.blob();
}

/** Follow a job until it is over; its address, or null. */
export async function finished(job: Job, every = 700): Promise<string | null> {
  let now = job;
  while (now.state === "running") {
    await new Promise((resolve) => setTimeout(resolve, every));
    now = await get<Job>(`/jobs/${job.id}`);
  }
  if (now.error) notice.value = now.error;
  return now.url;
}

function Film({ a, b }: { a: Sample; b: Sample }) {
  const film = useSignal<string | null>(null);
  useEffect(() => {
    void load(async () => {
      film.value = await finished(await post<Job>("/film", { a: a.id, b: b.id }));
    });
  }, [a.id, b.id]);
  return (
    <div class="stage">
      <figure class={`face ${film.value ? "" : "empty"}`}>
        {film.value ? (
          <Moving src={film.value} />
        ) : (
          <figcaption class="wait">
            <span role="status">{translate("friend.film.making")}</span>
          </figcaption>
        )}
      </figure>
    </div>
  );
}

/** A film, or a moving picture where there are no films. */
export function Moving({ src }: { src: string }) {
  const picture = useSignal(false);
  if (picture.value) return <img src={src} alt={translate("alt.blend")} />;
  const label = translate("alt.blend");
  return <video src={src} autoPlay muted loop playsInline aria-label={label} onError={() => (picture.value = true)} />;
}

function Invite({ onBack, onPhoto }: { onBack: () => void; onPhoto: () => void }) {
  const code = useSignal("");
  const typed = useSignal("");
  useEffect(() => {
    void load(async () => {
      code.value = (await post<{ code: string }>("/visit/friends/code")).code;
    });
  }, []);
  const join = async (): Promise<void> => {
    await runAction(async () => {
      await post("/visit/friends", { code: typed.value });
      await loadVisit();
    });
    typed.value = "";
  };
  return (
    <main class="screen friend invite">
      <header class="head">
        <h1>{translate("friend.none")}</h1>
        <p class="lead">{translate("friend.none.more")}</p>
      </header>
      <div class="codes">
        <section>
          <h2>{translate("friend.here")}</h2>
          <p class="muted">{translate("friend.here.more")}</p>
          <Button kind="next" icon="camera" onClick={onPhoto}>
            {translate("shutter")}
          </Button>
        </section>
        <section>
          <h2>{translate("friend.code")}</h2>
          <p class="muted">{translate("friend.code.more")}</p>
          <p class="code-figures">{code.value}</p>
        </section>
        <section>
          <h2>{translate("friend.type")}</h2>
          <Keypad keys={LETTERS} value={typed.value} length={6} onChange={(value) => (typed.value = value)} />
          <Button kind="plain" disabled={typed.value.length < 6 || busy.value} onClick={() => void join()}>
            {translate("friend.join")}
          </Button>
        </section>
      </div>
      <Button icon="back" onClick={onBack}>
        {translate("back")}
      </Button>
    </main>
  );
}
