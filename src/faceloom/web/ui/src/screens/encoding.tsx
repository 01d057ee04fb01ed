/** Left the photo's square, right the likeness as it becomes the person. */

import { useEffect, useState } from "preact/hooks";
import { Button } from "../parts/button";
import { Face } from "../parts/face";
import { pressed, useKeys } from "../parts/keyboard";
import { Ring } from "../parts/countdown_ring";
import { busy, change, chosen, grown, person, progress, queuePlace, visit } from "../state/booth";
import type { Person, Progress } from "../types";
import { figure, say } from "../words/words";

const DIFFICULT = 0.5;

export const percentOf = (part: number): string =>
  figure(Math.min(1, Math.max(0, part)), { style: "percent", maximumFractionDigits: 0 });

/** What is said of a search that is on. */
export function told(now: Progress | undefined, place: number): string {
  if (place > 0) return say("encoding.queue", { place });
  const alike = now?.quality;
  if (!now || typeof alike !== "number") return say("encoding.found");
  const over = now.seconds > 0 && now.seconds_left < now.seconds / 2;
  if (over && alike < DIFFICULT) return say("encoding.difficult");
  return say(now.playable ? "encoding.ready" : "encoding.closer", { percent: percentOf(alike) });
}

/** Who is looked at: the one who was tapped, or the first who is still searched for. */
function searched(): Person | null {
  const tapped = grown.value.find(({ id }) => id === chosen.value);
  return tapped ?? grown.value.find(({ playable }) => !playable) ?? person.value;
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
  const one = searched();
  const now = one ? progress.value[one.id] : undefined;
  const left = useSecondsLeft(now);
  useKeys({ Enter: pressed(() => playable && onPlay()), " ": pressed(() => playable && onPlay()) });
  return (
    <main class="screen encoding">
      <h1 class="unseen">{say("encoding.found")}</h1>
      {grown.value.length > 1 && <People />}
      <div class="stage two">
        <Face key={`crop ${one?.id}`} src={one?.crop ?? null} alt={say("encoding.photo")} />
        <Face key={one?.id} src={(one?.playable ? one.image : now?.image) ?? null} alt={say("alt.likeness")} />
      </div>
      <div class="time">
        <Ring part={now?.seconds ? 1 - left / now.seconds : 0}>{now ? String(Math.ceil(left)) : ""}</Ring>
        <p role="status">{told(now, queuePlace.value)}</p>
      </div>
      <div class="pair">
        <Button disabled={busy.value} onClick={() => void change("/visit/cancel")}>
          {say("cancel")}
        </Button>
        <Button kind="next" disabled={!playable} onClick={onPlay}>
          {say("play")}
        </Button>
      </div>
    </main>
  );
}

/** Who of several people is meant. */
export function People() {
  return (
    <div class="people" role="group">
      {grown.value.map(({ id, crop, image, playable }, n) => (
        <button
          type="button"
          key={id}
          class="thumb"
          aria-pressed={person.value?.id === id}
          aria-label={say("person", { number: n + 1 })}
          onClick={() => (chosen.value = id)}
        >
          {(crop || playable) && <img src={crop ?? image} alt="" draggable={false} />}
        </button>
      ))}
    </div>
  );
}
