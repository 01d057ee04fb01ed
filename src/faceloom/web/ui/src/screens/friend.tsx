/** The screen for two people: a blend of both faces, their children, and a film that morphs one into the other. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { apiUrl, post } from "../api";
import { Button } from "../parts/button";
import { Face } from "../parts/face";
import { Film } from "../parts/film";
import { Icon } from "../parts/icon";
import { Keypad, LETTERS } from "../parts/keypad";
import { Slider } from "../parts/slider";
import { Waiting } from "../parts/waiting";
import {
  busy,
  currentPerson,
  load,
  loadVisit,
  photographedPeople,
  reportError,
  runAction,
  visit,
} from "../state/booth";
import { waitForJob } from "../state/jobs";
import { Preview } from "../state/preview";
import type { Job, Person, Picture } from "../types";
import { formatNumber, translate } from "../words/words";
import { Children } from "./children";

const CODE_LENGTH = 6;
const KEPT_BLENDS = 4; // object URLs of older blends are revoked; by then they have faded out

type View = "blend" | "children" | "film";

/** Return the current person and the other one: a friend's, or else the second person of the photo. */
export function findPair(current: Person | null, people: Person[], friends: Picture[]): [Picture, Picture] | null {
  const a = people.find(({ id }) => id === current?.id) ?? people[0];
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
  const both = findPair(currentPerson.value, photographedPeople.value, visit.value?.friends ?? []);
  if (!both) return <Invite onBack={onBack} onPhoto={onPhoto} />;
  const [a, b] = both;
  const show = (name: View) => () => {
    view.value = name;
  };
  return (
    <main class="screen friend">
      <h1 class="unseen">{translate("friend.title")}</h1>
      {view.value === "children" ? (
        <Children a={a} b={b} onPlay={onBack} />
      ) : view.value === "film" ? (
        <MorphFilm a={a} b={b} onCancel={show("blend")} />
      ) : (
        <Blend a={a} b={b} />
      )}
      <nav class="chips">
        <Button kind="plain" icon="back" onClick={onBack}>
          {translate("back")}
        </Button>
        {(["blend", "children", "film"] as const).map((name) => (
          <Button key={name} kind="chip" pressed={view.value === name} onClick={show(name)}>
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

function Blend({ a, b }: { a: Picture; b: Picture }) {
  const t = useSignal(0.5); // 0 is `a`, 1 is `b`
  const pictureUrl = useSignal<string | null>(null);
  const preview = useSignal<Preview | null>(null);
  useEffect(() => {
    const urls: string[] = [];
    const show = (picture: Blob): void => {
      urls.push(URL.createObjectURL(picture));
      while (urls.length > KEPT_BLENDS) URL.revokeObjectURL(urls.shift() ?? "");
      pictureUrl.value = urls.at(-1) ?? null;
    };
    const blends = new Preview(apiUrl("/blend", { query: { a: a.id, b: b.id } }), show, reportError);
    preview.value = blends;
    blends.request({ t: t.value });
    return () => {
      blends.stop();
      for (const url of urls) URL.revokeObjectURL(url);
    };
  }, [a.id, b.id, a.image, b.image]);
  return (
    <>
      <div class="stage three">
        <Face src={a.image} alt={translate("person", { number: 1 })} class="side" />
        <Face src={pictureUrl.value} alt={translate("alt.blend")} class="middle">
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
          text={formatNumber(t.value, { style: "percent", maximumFractionDigits: 0 })}
          onSlide={(next) => {
            t.value = next;
            preview.value?.request({ t: next });
          }}
        />
        <img class="thumb-end" src={b.image} alt="" />
      </div>
    </>
  );
}

function MorphFilm({ a, b, onCancel }: { a: Picture; b: Picture; onCancel: () => void }) {
  const url = useSignal<string | null>(null);
  const job = useSignal<Job | null>(null);
  useEffect(() => {
    const controller = new AbortController();
    const report = (now: Job): void => {
      job.value = now;
    };
    void load(async () => {
      const started = await post("/film", { body: { a: a.id, b: b.id } });
      const made = await waitForJob(started, report, controller.signal);
      if (!controller.signal.aborted) url.value = made;
    });
    return () => controller.abort();
  }, [a.id, b.id]);
  return (
    <div class="stage">
      <figure class={`face ${url.value ? "" : "empty"}`}>
        {url.value ? (
          <Film src={url.value} />
        ) : (
          <figcaption class="wait">
            <Waiting
              text={translate("friend.film.making")}
              part={job.value?.progress}
              secondsLeft={job.value?.seconds_left ?? null}
              onCancel={onCancel}
            />
          </figcaption>
        )}
      </figure>
    </div>
  );
}

/** The screen without a second person: one more photo, or a code that joins two visits. */
function Invite({ onBack, onPhoto }: { onBack: () => void; onPhoto: () => void }) {
  const ownCode = useSignal("");
  const typedCode = useSignal("");
  const isElsewhere = useSignal(false); // whether the friend is at another booth
  const openCodes = (): void => {
    isElsewhere.value = true;
    void load(async () => {
      ownCode.value = (await post("/visit/friends/code")).code;
    });
  };
  const join = async (): Promise<void> => {
    await runAction(async () => {
      await post("/visit/friends", { body: { code: typedCode.value } });
      await loadVisit();
    });
    typedCode.value = "";
  };
  const type = (value: string): void => {
    typedCode.value = value;
  };
  return (
    <main class="screen friend invite">
      <header class="head">
        <h1>{translate("friend.none")}</h1>
        <p class="lead">{translate("friend.none.more")}</p>
      </header>
      {isElsewhere.value ? (
        <div class="codes">
          <section>
            <h2>{translate("friend.code.show")}</h2>
            <p class="muted">{translate("friend.code.more")}</p>
            <p class="code-figures">{ownCode.value}</p>
          </section>
          <section>
            <h2>{translate("friend.type")}</h2>
            <Keypad keys={LETTERS} value={typedCode.value} length={CODE_LENGTH} onChange={type} />
            <Button
              kind="plain"
              disabled={typedCode.value.length < CODE_LENGTH || busy.value}
              onClick={() => void join()}
            >
              {translate("friend.join")}
            </Button>
          </section>
        </div>
      ) : (
        <div class="bring">
          <div class="stage pair" aria-hidden="true">
            <Face src={currentPerson.value?.image ?? photographedPeople.value[0]?.image ?? null} alt="" />
            <figure class="face missing">
              <Icon name="friends" />
            </figure>
          </div>
          <p class="lead">{translate("friend.photo.more")}</p>
          <Button kind="next" icon="camera" onClick={onPhoto}>
            {translate("friend.photo")}
          </Button>
          <Button kind="quiet" onClick={openCodes}>
            {translate("friend.code")}
          </Button>
        </div>
      )}
      <Button icon="back" onClick={onBack}>
        {translate("back")}
      </Button>
    </main>
  );
}
