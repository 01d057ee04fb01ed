/** The Lab's section with intermediate results of three networks: face detector, perceptual distance, generator. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { apiUrl, get } from "../api";
import { Button } from "../parts/button";
import { go } from "../route";
import { reportError, visit } from "../state/booth";
import type { Inspection, Person } from "../types";
import { formatNumber, translate } from "../words/words";
import { LayerStrip } from "./layer_style";
import { type Layers, playablePeople, view } from "./state";
import { type LabTextKey, translateLab } from "./words";

export function Inspect() {
  const people = playablePeople.value;
  const person = people.find(({ id }) => id === view.value.person) ?? people.find(({ crop }) => crop);
  const inspection = useSignal<Inspection | null>(null);
  useEffect(() => {
    inspection.value = null;
    if (!person) return;
    get("/lab/people/{id}", { path: { id: person.id } }).then((answer) => {
      inspection.value = answer;
    }, reportError);
  }, [person?.id]);
  if (!person) return <NoPerson />;
  if (!inspection.value) {
    return (
      <p class="lead wait-here" role="status">
        {translateLab("inspect.wait")}
      </p>
    );
  }
  return (
    <div class="sights">
      <DetectorStages detector={inspection.value.detector} />
      <PerceptualDistance inspection={inspection.value} person={person} />
      <GeneratorLayers layers={inspection.value.layers} />
    </div>
  );
}

function NoPerson() {
  return (
    <div class="page">
      <p class="lead">{translateLab("inspect.none")}</p>
      <Button kind="next" onClick={() => go("/")}>
        {translate("start")}
      </Button>
    </div>
  );
}

const STAGES = ["proposed", "sieved", "boxes"] as const;

/** The photo with the boxes of one stage of the detector. */
function DetectorStages({ detector }: { detector: Inspection["detector"] }) {
  const stage = useSignal<(typeof STAGES)[number]>("boxes");
  const photo = visit.value?.photo;
  const [width, height] = visit.value?.size ?? [1, 1];
  const show = (name: (typeof STAGES)[number]) => () => {
    stage.value = name;
  };
  return (
    <section class="sight">
      <h2>{translateLab("detector")}</h2>
      <p class="muted">{translateLab("detector.more")}</p>
      <div class="row" role="group" aria-label={translateLab("detector")}>
        {STAGES.map((name) => (
          <Button key={name} kind="chip" pressed={stage.value === name} onClick={show(name)}>
            {translateLab(`detector.${name}`, { count: detector[name].length })}
          </Button>
        ))}
      </div>
      {photo && (
        <figure class="overlaid">
          <img src={photo} alt={translateLab("distance.photo")} />
          <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
            {detector[stage.value].map(([x0, y0, x1, y1], n) => (
              <rect
                key={n}
                class={stage.value}
                x={x0 * width}
                y={y0 * height}
                width={(x1 - x0) * width}
                height={(y1 - y0) * height}
              />
            ))}
            {stage.value === "boxes" &&
              detector.points
                .flat()
                .map(([x, y], n) => (
                  <circle key={n} cx={x * width} cy={y * height} r={Math.max(width, height) / 110} />
                ))}
          </svg>
        </figure>
      )}
    </section>
  );
}

/** Photo, likeness, and a map of the LPIPS distance between them. */
function PerceptualDistance({ inspection, person }: { inspection: Inspection; person: Person }) {
  const alexDistance = inspection.quality.lpips;
  const round = (value: number): string => formatNumber(value, { maximumFractionDigits: 3 });
  const pictures: [LabTextKey, string | null][] = [
    ["distance.photo", person.crop],
    ["distance.likeness", person.found],
    ["distance.map", apiUrl("/lab/people/{id}/distance", { path: { id: person.id } })],
  ];
  return (
    <section class="sight">
      <h2>{translateLab("distance")}</h2>
      <p class="muted">
        {typeof alexDistance === "number"
          ? translateLab("distance.more", { vgg: round(inspection.distance), alex: round(alexDistance) })
          : translateLab("distance.more.plain")}
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

type LayerGroup = Exclude<Layers, "all">;

const RARITY_WIDTH = 33; // percent of the bar for a rarity of 1

/** The style of every layer, and how rare it is. */
function GeneratorLayers({ layers }: { layers: Inspection["layers"] }) {
  return (
    <section class="sight wide">
      <h2>{translateLab("layers.style")}</h2>
      <p class="muted">{translateLab("layers.style.more")}</p>
      <ol class="strips">
        {layers.map(({ layer, resolution, group, rarity, channels }) => {
          const values = {
            number: layer,
            side: resolution,
            group: translateLab(`layers.${group as LayerGroup}`),
            rarity: formatNumber(rarity),
          };
          return (
            <li key={layer}>
              <span class="unseen">{translateLab("layers.style.layer", values)}</span>
              <span class="figures" aria-hidden="true">
                {resolution} px
              </span>
              <LayerStrip values={channels} />
              <span class="rarity" aria-hidden="true">
                <i style={{ width: `${Math.min(100, rarity * RARITY_WIDTH)}%` }} />
                <b class="figures">{formatNumber(rarity, { maximumFractionDigits: 1, minimumFractionDigits: 1 })}</b>
              </span>
            </li>
          );
        })}
      </ol>
    </section>
  );
}
