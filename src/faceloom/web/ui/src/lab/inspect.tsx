/** What each of the three networks saw of somebody: the detector, the eye of the search, the generator. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { apiUrl, get } from "../api";
import { Button } from "../parts/button";
import { go } from "../route";
import { reportError, visit } from "../state/booth";
import type { Person } from "../types";
import { formatNumber, translate } from "../words/words";
import { LayerStrip } from "./layer_style";
import { playablePeople, view } from "./state";
import { type LabTextKey, translateLab } from "./words";

type Box = [number, number, number, number];

interface LayerStyle {
  layer: number;
  resolution: number;
  group: "coarse" | "middle" | "fine";
  rarity: number;
  channels: number[];
}

interface Inspection {
  detector: { proposed: Box[]; sieved: Box[]; boxes: Box[]; scores: number[]; points: [number, number][][] };
  distance: number;
  quality: { lpips?: number };
  layers: LayerStyle[];
}

export function Inspect() {
  const person =
    playablePeople.value.find(({ id }) => id === view.value.person) ?? playablePeople.value.find(({ crop }) => crop);
  const inspection = useSignal<Inspection | null>(null);
  useEffect(() => {
    inspection.value = null;
    if (!person) return;
    get<Inspection>(`/lab/people/${person.id}`).then((answer) => (inspection.value = answer), reportError);
  }, [person?.id]);
  if (!person) return <NoPerson />;
  if (!inspection.value) {
    return (
      <p class="lead wait-here" role="status">
        {translateLab("seen.wait")}
      </p>
    );
  }
  return (
    <div class="sights">
      <Detector inspection={inspection.value} />
      <PerceptualDistance inspection={inspection.value} person={person} />
      <GeneratorLayers layers={inspection.value.layers} />
    </div>
  );
}

function NoPerson() {
  return (
    <div class="page">
      <p class="lead">{translateLab("seen.nobody")}</p>
      <Button kind="next" onClick={() => go("/")}>
        {translate("start")}
      </Button>
    </div>
  );
}

const STAGES = ["proposed", "sieved", "boxes"] as const;

function Detector({ inspection }: { inspection: Inspection }) {
  const stage = useSignal<(typeof STAGES)[number]>("boxes");
  const { detector } = inspection;
  const photo = visit.value?.photo;
  const size = visit.value?.size ?? [1, 1];
  return (
    <section class="sight">
      <h2>{translateLab("detector")}</h2>
      <p class="muted">{translateLab("detector.more")}</p>
      <div class="row" role="group" aria-label={translateLab("detector")}>
        {STAGES.map((name) => (
          <Button key={name} kind="chip" pressed={stage.value === name} onClick={() => (stage.value = name)}>
            {translateLab(`detector.${name}`, { count: detector[name].length })}
          </Button>
        ))}
      </div>
      {photo && (
        <figure class="overlaid">
          <img src={photo} alt={translateLab("eye.photo")} />
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

function PerceptualDistance({ inspection, person }: { inspection: Inspection; person: Person }) {
  const alex = inspection.quality.lpips;
  const three = (value: number): string => formatNumber(value, { maximumFractionDigits: 3 });
  const pictures: [LabTextKey, string | null][] = [
    ["eye.photo", person.crop],
    ["eye.likeness", person.found],
    ["eye.map", apiUrl(`/lab/people/${person.id}/distance`)],
  ];
  return (
    <section class="sight">
      <h2>{translateLab("eye")}</h2>
      <p class="muted">
        {alex === undefined
          ? translateLab("eye.more.plain")
          : translateLab("eye.more", { vgg: three(inspection.distance), alex: three(alex) })}
      </p>
      <div class="threes">
        {pictures.map(
          ([name, src]) =>
            src && (
              <figure key={name} class="face">
                <img src={src} alt={translateLab(name)} />
                <figcaption class="mark">{translateLab(name)}</figcaption>
              </figure>
            ),
        )}
      </div>
    </section>
  );
}

function GeneratorLayers({ layers }: { layers: LayerStyle[] }) {
  return (
    <section class="sight wide">
      <h2>{translateLab("maker")}</h2>
      <p class="muted">{translateLab("maker.more")}</p>
      <ol class="strips">
        {layers.map(({ layer, resolution, group, rarity, channels }) => {
          const words = {
            number: layer,
            side: resolution,
            group: translateLab(`layers.${group}`),
            rarity: formatNumber(rarity),
          };
          return (
            <li key={layer}>
              <span class="unseen">{translateLab("maker.layer", words)}</span>
              <span class="figures" aria-hidden="true">
                {resolution} px
              </span>
              <LayerStrip values={channels} />
              <span class="rarity" aria-hidden="true">
                <i style={{ width: `${Math.min(100, rarity * 33)}%` }} />
                <b class="figures">{formatNumber(rarity, { maximumFractionDigits: 1, minimumFractionDigits: 1 })}</b>
              </span>
            </li>
          );
        })}
      </ol>
    </section>
  );
}
