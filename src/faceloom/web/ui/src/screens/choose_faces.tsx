/** The screen for a photo with several faces: the visitor taps one face, or two. */

import { useState } from "preact/hooks";
import { post } from "../api";
import { Button } from "../parts/button";
import { busy, changeVisit, visit } from "../state/booth";
import type { Visit } from "../types";
import { translate } from "../words/words";

const MAX_FACES = 2;

/** Select or deselect a face. At most two are selected: a third replaces the first. */
export function toggleFace(picked: number[], number: number): number[] {
  if (picked.includes(number)) return picked.filter((other) => other !== number);
  return [...picked, number].slice(-MAX_FACES);
}

const percent = (fraction: number): string => `${fraction * 100}%`;

const WIDE = 1.2; // aspect ratio from which a photo is a stripe on a portrait display
const TILE = 1.5; // side of a tile by the longer side of the face's box

interface TilePlace {
  backgroundSize: string;
  backgroundPosition: string;
}

/** Return the place of a photo behind a square tile that shows one face. The box and the size are in pixels. */
export function tilePlace(
  [left, top, right, bottom]: Visit["faces"][number]["box"],
  [width, height]: [number, number],
): TilePlace {
  const side = Math.min(width, height, TILE * Math.max(right - left, bottom - top));
  const offset = (middle: number, whole: number): number =>
    whole > side ? Math.min(1, Math.max(0, (middle - side / 2) / (whole - side))) : 0;
  return {
    backgroundSize: `${percent(width / side)} ${percent(height / side)}`,
    backgroundPosition: `${percent(offset((left + right) / 2, width))} ${percent(offset((top + bottom) / 2, height))}`,
  };
}

export function ChooseFaces() {
  const [picked, setPicked] = useState<number[]>([]);
  const { photo, faces, size } = visit.value ?? { photo: null, faces: [], size: null };
  const [width, height] = size ?? [1, 1];
  const leftToRight = [...faces].sort((a, b) => a.box[0] - b.box[0]);
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
        <div class={`photo ${width > WIDE * height ? "wide" : ""}`}>
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
        <div class="tiles">
          {leftToRight.map(({ number, box }) => (
            <button
              type="button"
              key={number}
              class="tile"
              aria-pressed={picked.includes(number)}
              aria-label={translate("who.face", { number: faces.findIndex((face) => face.number === number) + 1 })}
              style={{ backgroundImage: `url("${photo}")`, ...tilePlace(box, [width, height]) }}
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
