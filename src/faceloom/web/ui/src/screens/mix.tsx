/** Taking the shape, the features or the colours of somebody else. */

import { useEffect, useState } from "preact/hooks";
import { apiUrl } from "../api";
import { Button } from "../parts/button";
import { busy, visit } from "../state/booth";
import { editPerson } from "../state/edits";
import type { GeneratedFace, Person, Sample } from "../types";
import { translate } from "../words/words";
import { samples } from "./welcome";

const LAYERS = ["coarse", "middle", "fine"] as const;

const thumb = (person: GeneratedFace | Sample): string =>
  "seed" in person ? apiUrl("/random", { seed: person.seed, size: 256 }) : person.image;

export function Mix({ person }: { person: Person }) {
  const [people, setPeople] = useState<GeneratedFace[]>([]);
  const [layers, setLayers] = useState<(typeof LAYERS)[number]>("coarse");
  useEffect(() => {
    samples().then(setPeople, () => undefined);
  }, []);
  const now = visit.value;
  const friends = [...(now?.friends ?? []), ...(now?.people ?? []).filter(({ id }) => id !== person.id)];
  const mix = (id: string): void => void editPerson("mix", { with: id, layers });
  const anybody = (): void => mix(`seed:${Math.floor(Math.random() * 1e6)}`);
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
        {[...friends, ...people].map((other, n) => (
          <button
            type="button"
            key={other.id}
            class="thumb"
            aria-label={translate("mix.sample", { number: n + 1 })}
            aria-disabled={busy.value}
            onClick={() => mix(other.id)}
          >
            <img src={thumb(other)} alt="" draggable={false} loading="lazy" />
          </button>
        ))}
        <Button kind="tool" icon="dice" disabled={busy.value} onClick={anybody}>
          {translate("mix.anybody")}
        </Button>
      </div>
    </div>
  );
}
