/** Taking the shape, the features or the colours of somebody else. */

import { useEffect, useState } from "preact/hooks";
import { address } from "../api";
import { Button } from "../parts/button";
import { busy, visit } from "../state/booth";
import { alter } from "../state/edits";
import type { Invented, Person, Sample } from "../types";
import { say } from "../words/words";
import { samples } from "./welcome";

const LAYERS = ["coarse", "middle", "fine"] as const;

const thumb = (one: Invented | Sample): string =>
  "seed" in one ? address("/random", { seed: one.seed, size: 256 }) : one.image;

export function Mix({ one }: { one: Person }) {
  const [people, setPeople] = useState<Invented[]>([]);
  const [layers, setLayers] = useState<(typeof LAYERS)[number]>("coarse");
  useEffect(() => {
    samples().then(setPeople, () => undefined);
  }, []);
  const now = visit.value;
  const friends = [...(now?.friends ?? []), ...(now?.people ?? []).filter(({ id }) => id !== one.id)];
  const mix = (id: string): void => void alter("mix", { with: id, layers });
  const anybody = (): void => mix(`seed:${Math.floor(Math.random() * 1e6)}`);
  return (
    <div class="control mix">
      <div class="segments" role="group" aria-label={say("mix.what")}>
        {LAYERS.map((name) => (
          <Button key={name} kind="chip" pressed={layers === name} onClick={() => setLayers(name)}>
            {say(`mix.${name}`)}
          </Button>
        ))}
      </div>
      <div class="row-of-people" role="group" aria-label={say("mix.with")}>
        {[...friends, ...people].map((other, n) => (
          <button
            type="button"
            key={other.id}
            class="thumb"
            aria-label={say("mix.sample", { number: n + 1 })}
            aria-disabled={busy.value}
            onClick={() => mix(other.id)}
          >
            <img src={thumb(other)} alt="" draggable={false} loading="lazy" />
          </button>
        ))}
        <Button kind="tool" icon="dice" disabled={busy.value} onClick={anybody}>
          {say("mix.anybody")}
        </Button>
      </div>
    </div>
  );
}
