/** Nine children of two people, and children of theirs; the way back to the first two stays open. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { post } from "../api";
import { Button } from "../parts/button";
import { busy, load, receivePerson, selectedId } from "../state/booth";
import type { Person, Sample } from "../types";
import { translate } from "../words/words";
import { toggle } from "./choose_faces";

type Pair = [Sample, Sample];
interface Generation {
  parents: Pair;
  seed: number;
}

export function Children({ a, b, onPlay }: { a: Sample; b: Sample; onPlay: () => void }) {
  const line = useSignal<Generation[]>([{ parents: [a, b], seed: 0 }]);
  const nine = useSignal<Person[]>([]);
  const picked = useSignal<number[]>([]);
  const now = line.value.at(-1) as Generation;
  useEffect(() => {
    picked.value = [];
    nine.value = [];
    let wanted = true;
    void load(async () => {
      const [first, second] = now.parents;
      const body = { a: first.id, b: second.id, seed: now.seed };
      const { children } = await post<{ children: Person[] }>("/children", body);
      if (wanted) nine.value = children;
    });
    return () => {
      wanted = false;
    };
  }, [now]);
  const children = picked.value.flatMap((n) => nine.value[n] ?? []);
  const breed = (): void => {
    const [first, second] = children;
    if (first) line.value = [...line.value, { parents: [first, second ?? now.parents[0]], seed: 0 }];
  };
  const again = (): void => void (line.value = [...line.value.slice(0, -1), { ...now, seed: now.seed + 1 }]);
  const play = (): void => {
    const [child] = children;
    if (!child) return;
    receivePerson(child);
    selectedId.value = child.id;
    onPlay();
  };
  return (
    <>
      <div class="stage family">
        <Lineage line={line.value} onBack={(n) => (line.value = line.value.slice(0, n + 1))} />
        <div class="nine" role="group" aria-label={translate("friend.children")}>
          {Array.from({ length: 9 }, (_, n) => (
            <button
              type="button"
              key={n}
              class="child"
              aria-label={translate("friend.child", { number: n + 1 })}
              aria-pressed={picked.value.includes(n)}
              aria-disabled={!nine.value[n]}
              onClick={() => nine.value[n] && (picked.value = toggle(picked.value, n))}
            >
              {nine.value[n] && <img src={nine.value[n].image} alt="" draggable={false} />}
            </button>
          ))}
        </div>
      </div>
      <div class="panel row">
        <p class="muted">{translate("friend.children.more")}</p>
        <Button icon="dice" disabled={busy.value} onClick={again}>
          {translate("friend.more")}
        </Button>
        <Button icon="tree" disabled={!children.length || busy.value} onClick={breed}>
          {translate("friend.breed")}
        </Button>
        <Button disabled={children.length !== 1} onClick={play}>
          {translate("friend.play")}
        </Button>
      </div>
    </>
  );
}

function Lineage({ line, onBack }: { line: Generation[]; onBack: (generation: number) => void }) {
  return (
    <ol class="lineage" aria-label={translate("friend.lineage")}>
      {line.map(({ parents: [first, second] }, n) => (
        <li key={n}>
          <button
            type="button"
            class="parents"
            aria-current={n === line.length - 1}
            aria-label={`${translate("friend.lineage")} ${n + 1}`}
            onClick={() => onBack(n)}
          >
            <img src={first.image} alt="" draggable={false} />
            <img src={second.image} alt="" draggable={false} />
          </button>
        </li>
      ))}
    </ol>
  );
}
