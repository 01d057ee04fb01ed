/** What each of the three networks saw of somebody: the detector, the eye of the search, the generator. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { address, get } from "../api";
import { Button } from "../parts/button";
import { go } from "../route";
import { complain, visit } from "../state/booth";
import type { Person } from "../types";
import { figure, say } from "../words/words";
import { found, wanted } from "./state";
import { Strip } from "./layer_style";
import { type LabWord, tell } from "./words";

type Box = [number, number, number, number];

interface LayerStyle {
  layer: number;
  resolution: number;
  group: "coarse" | "middle" | "fine";
  rarity: number;
  channels: number[];
}

interface Insight {
  detector: { proposed: Box[]; sieved: Box[]; boxes: Box[]; scores: number[]; points: [number, number][][] };
  distance: number;
  quality: { lpips?: number };
  layers: LayerStyle[];
}

export function Seen() {
  const person = found.value.find(({ id }) => id === wanted.value.person) ?? found.value.find(({ crop }) => crop);
  const seen = useSignal<Insight | null>(null);
  useEffect(() => {
    seen.value = null;
    if (!person) return;
    get<Insight>(`/lab/people/${person.id}`).then((answer) => (seen.value = answer), complain);
  }, [person?.id]);
  if (!person) return <Nobody />;
  if (!seen.value) {
    return (
      <p class="lead wait-here" role="status">
        {tell("seen.wait")}
      </p>
    );
  }
  return (
    <div class="sights">
      <Detector seen={seen.value} />
      <Eye seen={seen.value} person={person} />
      <Maker layers={seen.value.layers} />
    </div>
  );
}

function Nobody() {
  return (
    <div class="page">
      <p class="lead">{tell("seen.nobody")}</p>
      <Button kind="next" onClick={() => go("/")}>
        {say("start")}
      </Button>
    </div>
  );
}

const STAGES = ["proposed", "sieved", "boxes"] as const;

function Detector({ seen }: { seen: Insight }) {
  const stage = useSignal<(typeof STAGES)[number]>("boxes");
  const { detector } = seen;
  const photo = visit.value?.photo;
  const size = visit.value?.size ?? [1, 1];
  return (
    <section class="sight">
      <h2>{tell("detector")}</h2>
      <p class="muted">{tell("detector.more")}</p>
      <div class="row" role="group" aria-label={tell("detector")}>
        {STAGES.map((name) => (
          <Button key={name} kind="chip" pressed={stage.value === name} onClick={() => (stage.value = name)}>
            {tell(`detector.${name}`, { count: detector[name].length })}
          </Button>
        ))}
      </div>
      {photo && (
        <figure class="overlaid">
          <img src={photo} alt={tell("eye.photo")} />
          <svg viewBox={`0 0 ${size[0]} ${size[1]}`} preserveAspectRatio="none" aria-hidden="true">
            {detector[stage.value].map(([x0, y0, x1, y1], n) => (
              <rect
                key={n}
                class={stage.value}
                x={x0 * size[0]}
                y={y0 * size[1]}
                width={(x1 - x0) * size[0]}
                height={(y1 - y0) * size[1]}
              />
            ))}
            {stage.value === "boxes" &&
              detector.points
                .flat()
                .map(([x, y], n) => <circle key={n} cx={x * size[0]} cy={y * size[1]} r={Math.max(...size) / 110} />)}
          </svg>
        </figure>
      )}
    </section>
  );
}

function Eye({ seen, person }: { seen: Insight; person: Person }) {
  const alex = seen.quality.lpips;
  const three = (value: number): string => figure(value, { maximumFractionDigits: 3 });
  const pictures: [LabWord, string | null][] = [
    ["eye.photo", person.crop],
    ["eye.likeness", person.found],
    ["eye.map", address(`/lab/people/${person.id}/distance`)],
  ];
  return (
    <section class="sight">
      <h2>{tell("eye")}</h2>
      <p class="muted">
        {alex === undefined
          ? tell("eye.more.plain")
          : tell("eye.more", { vgg: three(seen.distance), alex: three(alex) })}
      </p>
      <div class="threes">
        {pictures.map(
          ([name, src]) =>
            src && (
              <figure key={name} class="face">
                <img src={src} alt={tell(name)} />
                <figcaption class="mark">{tell(name)}</figcaption>
              </figure>
            ),
        )}
      </div>
    </section>
  );
}

function Maker({ layers }: { layers: LayerStyle[] }) {
  return (
    <section class="sight wide">
      <h2>{tell("maker")}</h2>
      <p class="muted">{tell("maker.more")}</p>
      <ol class="strips">
        {layers.map(({ layer, resolution, group, rarity, channels }) => {
          const words = { number: layer, side: resolution, group: tell(`layers.${group}`), rarity: figure(rarity) };
          return (
            <li key={layer}>
              <span class="unseen">{tell("maker.layer", words)}</span>
              <span class="figures" aria-hidden="true">
                {resolution} px
              </span>
              <Strip values={channels} />
              <span class="rarity" aria-hidden="true">
                <i style={{ width: `${Math.min(100, rarity * 33)}%` }} />
                <b class="figures">{figure(rarity, { maximumFractionDigits: 1, minimumFractionDigits: 1 })}</b>
              </span>
            </li>
          );
        })}
      </ol>
    </section>
  );
}
