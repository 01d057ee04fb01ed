/** The encoding screen: the aligned crop of the photo on the left, the likeness as it improves on the right. */

import { useEffect, useState } from "preact/hooks";
import { get, post } from "../api";
import { Button } from "../parts/button";
import { CountdownRing } from "../parts/countdown_ring";
import { Face } from "../parts/face";
import { onPress, useKeys } from "../parts/keyboard";
import { busy, changeVisit, photographedPeople, progress, queuePlace, selectedId, visit } from "../state/booth";
import type { Person, Progress } from "../types";
import { type TextKey, translate } from "../words/words";

/** Words for how much a likeness looks like the photo; the server chooses one. */
const WORDS: Record<string, TextKey> = {
  poor: "alike.poor",
  fair: "alike.fair",
  good: "alike.good",
  excellent: "alike.excellent",
};
const SILENCE_MS = 3000; // time without progress after which the page asks whether the worker is there

/** Return the words for how much a likeness looks like the photo, or an empty text. */
export const alikeText = (word: string | null | undefined): string => {
  const key = WORDS[word ?? ""];
  return key ? translate(key) : "";
};

/** Return the text about an encoding. `place` is the number of encodings before it. */
export function progressText(now: Progress | undefined, place: number): string {
  if (place > 0) return translate("encoding.queue", { place });
  const text = alikeText(now?.word);
  if (!now || !text) return translate("encoding.found");
  const secondHalf = now.seconds > 0 && now.seconds_left < now.seconds / 2;
  return secondHalf && now.word === "poor" ? translate("encoding.difficult") : `${text}.`;
}

/** Return the person to show: the first whose encoding is not finished, or else the last. */
export function shownPerson(people: Person[]): Person | null {
  return people.find(({ playable, error }) => !playable && !error) ?? people.at(-1) ?? null;
}

/** Return whether the worker is away, asked after a while without progress. */
function useWorkerAway(now: Progress | undefined): boolean {
  const [away, setAway] = useState(false);
  useEffect(() => {
    setAway(false);
    const timer = setInterval(() => {
      get("/health").then(
        ({ ready }) => setAway(!ready),
        () => setAway(true),
      );
    }, SILENCE_MS);
    return () => clearInterval(timer);
  }, [now]);
  return away;
}

/** Count the seconds left down between two progress events. */
function useSecondsLeft(now: Progress | undefined): number {
  const [left, setLeft] = useState(0);
  useEffect(() => {
    const start = performance.now();
    const reported = now?.seconds_left ?? 0;
    const tick = (): void => setLeft(Math.max(0, reported - (performance.now() - start) / 1000));
    tick();
    const timer = setInterval(tick, 100);
    return () => clearInterval(timer);
  }, [now?.seconds_left]);
  return left;
}

export function Encoding({ onPlay }: { onPlay: () => void }) {
  const playable = visit.value?.state === "play";
  const people = photographedPeople.value;
  const person = shownPerson(people);
  const now = person ? progress.value[person.id] : undefined;
  const waiting = people.filter(({ id, playable: done, error }) => !done && !error && id !== person?.id).length;
  const whole = now ? now.seconds + now.seconds_left : 0; // of one person
  const left = useSecondsLeft(now) + waiting * whole;
  const away = useWorkerAway(now) && !playable;
  const play = onPress(() => playable && onPlay());
  useKeys({ Enter: play, " ": play });
  const image = person?.playable ? person.image : now?.image;
  return (
    <main class="screen encoding">
      <h1 class="unseen">{translate("encoding.found")}</h1>
      {people.length > 1 && <PersonPicker shown={person?.id ?? ""} fixed />}
      <div class={`stage ${image ? "two" : "one"}`}>
        <Face
          key={`crop ${person?.id}`}
          src={person?.crop ?? visit.value?.photo ?? null}
          alt={translate("encoding.photo")}
        />
        {image && <Face key={person?.id} src={image} alt={translate("alt.likeness")} />}
      </div>
      <div class="time">
        <CountdownRing part={whole ? 1 - left / ((waiting + 1) * whole) : 0}>
          {now && !away ? String(Math.ceil(left)) : ""}
        </CountdownRing>
        <p role="status">
          {away ? translate("encoding.back") : progressText(now, queuePlace.value)}{" "}
          {waiting > 0 && translate("encoding.first")}
        </p>
      </div>
      <div class="pair">
        <Button disabled={busy.value} onClick={() => void changeVisit(() => post("/visit/cancel"))}>
          {translate("cancel")}
        </Button>
        <Button kind="next" disabled={!playable} onClick={onPlay}>
          {translate("play")}
        </Button>
      </div>
    </main>
  );
}

interface PersonPickerProps {
  /** Id of the person whose picture is on the screen. */
  shown: string;
  /** Whether the pictures tell who is shown, and cannot be chosen. */
  fixed?: boolean;
}

/** Buttons that select one of several people. */
export function PersonPicker({ shown, fixed = false }: PersonPickerProps) {
  const select = (id: string) => () => {
    if (!fixed) selectedId.value = id;
  };
  return (
    <div class="people" role="group">
      {photographedPeople.value.map(({ id, crop, image, playable }, n) => (
        <button
          type="button"
          key={id}
          class="thumb"
          aria-pressed={shown === id}
          aria-label={translate("person", { number: n + 1 })}
          onClick={select(id)}
        >
          {(crop || playable) && <img src={crop ?? image} alt="" draggable={false} />}
        </button>
      ))}
    </div>
  );
}
