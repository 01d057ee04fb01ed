/** Several faces in the photo: tap one, or two for both. */

import { useState } from "preact/hooks";
import { Button } from "../parts/button";
import { busy, changeVisit, visit } from "../state/booth";
import { translate } from "../words/words";

/** Tap a face: it is in or out, and never more than two are. */
export function toggle(picked: number[], number: number): number[] {
  if (picked.includes(number)) return picked.filter((other) => other !== number);
  return [...picked, number].slice(-2);
}

const percent = (part: number): string => `${part * 100}%`;

export function ChooseFaces() {
  const [picked, setPicked] = useState<number[]>([]);
  const { photo, faces, size } = visit.value ?? { photo: null, faces: [], size: null };
  const [width, height] = size ?? [1, 1];
  const ready = picked.length > 0 && !busy.value;
  return (
    <main class="screen who">
      <header class="head">
        <h1>{translate("who.title")}</h1>
        <p class="lead">{translate("who.more")}</p>
      </header>
      <div class="stage">
        <div class="photo">
          <img src={photo ?? ""} alt={translate("alt.photo")} />
          {faces.map(({ number, box: [left, top, right, bottom] }, n) => (
            <button
              type="button"
              key={number}
              class="box"
              aria-pressed={picked.includes(number)}
              aria-label={translate("who.face", { number: n + 1 })}
              style={{
                left: percent(left / width),
                top: percent(top / height),
                width: percent((right - left) / width),
                height: percent((bottom - top) / height),
              }}
              onClick={() => setPicked(toggle(picked, number))}
            />
          ))}
        </div>
      </div>
      <div class="pair">
        <Button disabled={busy.value} onClick={() => void changeVisit("/visit/back")}>
          {translate("again")}
        </Button>
        <Button kind="next" disabled={!ready} onClick={() => void changeVisit("/visit/faces", { chosen: picked })}>
          {translate(picked.length === 2 ? "who.two" : "who.one")}
        </Button>
      </div>
    </main>
  );
}
