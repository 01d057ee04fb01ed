/** The encoding screen: the aligned crop of the photo on the left, the likeness as it improves on the right. */

import { useEffect, useState } from "preact/hooks";
import { post } from "../api";
import { Button } from "../parts/button";
import { CountdownRing } from "../parts/countdown_ring";
import { Face } from "../parts/face";
import { onPress, useKeys } from "../parts/keyboard";
import {
  busy,
  changeVisit,
  currentPerson,
  photographedPeople,
  progress,
  queuePlace,
  selectedId,
  visit,
} from "../state/booth";
import type { Person, Progress } from "../types";
import { formatNumber, translate } from "../words/words";

const LOW_SIMILARITY = 0.5; // identity similarity under which the page suggests another photo at half of the time

export const formatPercent = (fraction: number): string =>
  formatNumber(Math.min(1, Math.max(0, fraction)), { style: "percent", maximumFractionDigits: 0 });

/** Return the text about an encoding. `place` is the number of encodings before it. */
export function progressText(now: Progress | undefined, place: number): string {
  if (place > 0) return translate("encoding.queue", { place });
  const similarity = now?.quality;
  if (!now || typeof similarity !== "number") return translate("encoding.found");
  const secondHalf = now.seconds > 0 && now.seconds_left < now.seconds / 2;
  if (secondHalf && similarity < LOW_SIMILARITY) return translate("encoding.difficult");
  const key = now.playable ? "encoding.ready" : "encoding.closer";
  return translate(key, { percent: formatPercent(similarity) });
}

/** Return the person to show: the selected one, or else the first whose encoding is not finished. */
function shownPerson(): Person | null {
  const selected = photographedPeople.value.find(({ id }) => id === selectedId.value);
  return selected ?? photographedPeople.value.find(({ playable }) => !playable) ?? currentPerson.value;
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
  const person = shownPerson();
  const now = person ? progress.value[person.id] : undefined;
  const left = useSecondsLeft(now);
  const play = onPress(() => playable && onPlay());
  useKeys({ Enter: play, " ": play });
  return (
    <main class="screen encoding">
      <h1 class="unseen">{translate("encoding.found")}</h1>
      {photographedPeople.value.length > 1 && <PersonPicker />}
      <div class="stage two">
        <Face key={`crop ${person?.id}`} src={person?.crop ?? null} alt={translate("encoding.photo")} />
        <Face
          key={person?.id}
          src={(person?.playable ? person.image : now?.image) ?? null}
          alt={translate("alt.likeness")}
        />
      </div>
      <div class="time">
        <CountdownRing part={now?.seconds ? 1 - left / now.seconds : 0}>
          {now ? String(Math.ceil(left)) : ""}
        </CountdownRing>
        <p role="status">{progressText(now, queuePlace.value)}</p>
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

/** Buttons that select one of several people. */
export function PersonPicker() {
  const select = (id: string) => () => {
    selectedId.value = id;
  };
  return (
    <div class="people" role="group">
      {photographedPeople.value.map(({ id, crop, image, playable }, n) => (
        <button
          type="button"
          key={id}
          class="thumb"
          aria-pressed={currentPerson.value?.id === id}
          aria-label={translate("person", { number: n + 1 })}
          onClick={select(id)}
        >
          {(crop || playable) && <img src={crop ?? image} alt="" draggable={false} />}
        </button>
      ))}
    </div>
  );
}
