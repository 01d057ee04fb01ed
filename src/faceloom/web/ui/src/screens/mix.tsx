/** The panel that takes the shape, the features or the colors of another face. */

import { useEffect, useState } from "preact/hooks";
import { apiUrl } from "../api";
import { Button } from "../parts/button";
import { busy, visit } from "../state/booth";
import { mix } from "../state/edits";
import type { Person, Picture, Sample } from "../types";
import { translate } from "../words/words";
import { loadSamples } from "./welcome";

const LAYERS = ["coarse", "middle", "fine"] as const;
const SEEDS = 1_000_000; // a random face gets a seed below this
const THUMB_SIDE = 256; // pixels

const thumbnail = (face: Sample | Picture): string =>
  "seed" in face ? apiUrl("/random", { query: { seed: face.seed, size: THUMB_SIDE } }) : face.image;

export function Mix({ person }: { person: Person }) {
  const [samples, setSamples] = useState<Sample[]>([]);
  const [layers, setLayers] = useState<(typeof LAYERS)[number]>("coarse");
  useEffect(() => {
    loadSamples().then(setSamples, () => undefined);
  }, []);
  const now = visit.value;
  const people = [...(now?.friends ?? []), ...(now?.people ?? []).filter(({ id }) => id !== person.id)];
  const mixWith = (id: string) => () => void mix({ with: id, layers });
  const mixWithRandom = () => void mix({ with: `seed:${Math.floor(Math.random() * SEEDS)}`, layers });
  return (
    <div class="control mix">
      <div class="segments" role="group" aria-label={translate("mix.what")}>
        {LAYERS.map((name) => (
          <Button key={name} kind="chip" pressed={layers === name} onClick={() => setLayers(name)}>
            {translate(`mix.${name}`)}
          </Button>
        ))}
      </div>
      <div class="row-of-people" role="group" aria-label={translate("mix.with")}>
        {[...people, ...samples].map((other, n) => (
          <button
            type="button"
            key={other.id}
            class="thumb"
            aria-label={translate("mix.sample", { number: n + 1 })}
            aria-disabled={busy.value}
            onClick={mixWith(other.id)}
          >
            <img src={thumbnail(other)} alt="" draggable={false} loading="lazy" />
          </button>
        ))}
        <Button kind="tool" icon="dice" disabled={busy.value} onClick={mixWithRandom}>
          {translate("mix.random")}
        </Button>
      </div>
    </div>
  );
}
