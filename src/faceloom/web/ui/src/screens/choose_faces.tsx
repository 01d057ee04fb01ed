/** The screen for a photo with several faces: the visitor taps one face, or two. */

import { useState } from "preact/hooks";
import { post } from "../api";
import { Button } from "../parts/button";
import { busy, changeVisit, visit } from "../state/booth";
import { translate } from "../words/words";

const MAX_FACES = 2;

/** Select or deselect a face. At most two are selected: a third replaces the first. */
export function toggleFace(picked: number[], number: number): number[] {
  if (picked.includes(number)) return picked.filter((other) => other !== number);
  return [...picked, number].slice(-MAX_FACES);
}

const percent = (fraction: number): string => `${fraction * 100}%`;

export function ChooseFaces() {
  const [picked, setPicked] = useState<number[]>([]);
  const { photo, faces, size } = visit.value ?? { photo: null, faces: [], size: null };
  const [width, height] = size ?? [1, 1];
  const ready = picked.length > 0 && !busy.value;
  const retake = () => void changeVisit(() => post("/visit/back"));
  const choose = () => void changeVisit(() => post("/visit/faces", { body: { chosen: picked } }));
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
              onClick={() => setPicked(toggleFace(picked, number))}
            />
          ))}
        </div>
      </div>
      <div class="pair">
        <Button disabled={busy.value} onClick={retake}>
          {translate("again")}
        </Button>
        <Button kind="next" disabled={!ready} onClick={choose}>
          {translate(picked.length === 2 ? "who.two" : "who.one")}
        </Button>
      </div>
    </main>
  );
}
