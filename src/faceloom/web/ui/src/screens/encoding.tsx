/** Left the photo's square, right the likeness as it becomes the person. */

import { useEffect, useState } from "preact/hooks";
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

const DIFFICULT = 0.5;

export const formatPercent = (part: number): string =>
  formatNumber(Math.min(1, Math.max(0, part)), { style: "percent", maximumFractionDigits: 0 });

/** What is said of a search that is on. */
export function progressText(now: Progress | undefined, place: number): string {
  if (place > 0) return translate("encoding.queue", { place });
  const alike = now?.quality;
  if (!now || typeof alike !== "number") return translate("encoding.found");
  const over = now.seconds > 0 && now.seconds_left < now.seconds / 2;
  if (over && alike < DIFFICULT) return translate("encoding.difficult");
  return translate(now.playable ? "encoding.ready" : "encoding.closer", { percent: formatPercent(alike) });
}

/** Who is looked at: the one who was tapped, or the first who is still searched for. */
function searched(): Person | null {
  const tapped = photographedPeople.value.find(({ id }) => id === selectedId.value);
  return tapped ?? photographedPeople.value.find(({ playable }) => !playable) ?? currentPerson.value;
}

/** Seconds left, also between two words of the server. */
function useSecondsLeft(now: Progress | undefined): number {
  const [left, setLeft] = useState(0);
  useEffect(() => {
    const begun = performance.now();
    const said = now?.seconds_left ?? 0;
    const tick = (): void => setLeft(Math.max(0, said - (performance.now() - begun) / 1000));
    tick();
    const timer = setInterval(tick, 100);
    return () => clearInterval(timer);
  }, [now?.seconds_left]);
  return left;
}

export function Encoding({ onPlay }: { onPlay: () => void }) {
  const playable = visit.value?.state === "play";
  const person = searched();
  const now = person ? progress.value[person.id] : undefined;
  const left = useSecondsLeft(now);
  useKeys({ Enter: onPress(() => playable && onPlay()), " ": onPress(() => playable && onPlay()) });
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
        <Button disabled={busy.value} onClick={() => void changeVisit("/visit/cancel")}>
          {translate("cancel")}
        </Button>
        <Button kind="next" disabled={!playable} onClick={onPlay}>
          {translate("play")}
        </Button>
      </div>
    </main>
  );
}

/** Who of several people is meant. */
export function PersonPicker() {
  return (
    <div class="people" role="group">
      {photographedPeople.value.map(({ id, crop, image, playable }, n) => (
        <button
          type="button"
          key={id}
          class="thumb"
          aria-pressed={currentPerson.value?.id === id}
          aria-label={translate("person", { number: n + 1 })}
          onClick={() => (selectedId.value = id)}
        >
          {(crop || playable) && <img src={crop ?? image} alt="" draggable={false} />}
        </button>
      ))}
    </div>
  );
}
