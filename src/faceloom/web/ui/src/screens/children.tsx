/** Nine children of two people, and children of those. The visitor can return to every earlier generation. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { post } from "../api";
import { Button } from "../parts/button";
import { busy, load, receivePerson, selectedId } from "../state/booth";
import type { Person, Picture } from "../types";
import { translate } from "../words/words";
import { toggleFace } from "./choose_faces";

const CHILDREN = 9; // number of children in one generation

interface Generation {
  parents: [Picture, Picture];
  seed: number;
}

interface ChildrenProps {
  a: Picture;
  b: Picture;
  onPlay: () => void;
}

export function Children({ a, b, onPlay }: ChildrenProps) {
  const generations = useSignal<Generation[]>([{ parents: [a, b], seed: 0 }]);
  const children = useSignal<Person[]>([]);
  const picked = useSignal<number[]>([]);
  const current = generations.value.at(-1) as Generation;
  useEffect(() => {
    picked.value = [];
    children.value = [];
    let outdated = false;
    void load(async () => {
      const [first, second] = current.parents;
      const answer = await post("/children", { body: { a: first.id, b: second.id, seed: current.seed } });
      if (!outdated) children.value = answer.children;
    });
    return () => {
      outdated = true;
    };
  }, [current]);
  const pickedChildren = picked.value.flatMap((n) => children.value[n] ?? []);
  const pick = (n: number): void => {
    if (children.value[n]) picked.value = toggleFace(picked.value, n);
  };
  const addGeneration = (): void => {
    const [first, second] = pickedChildren;
    if (!first) return;
    const parents: Generation["parents"] = [first, second ?? current.parents[0]];
    generations.value = [...generations.value, { parents, seed: 0 }];
  };
  const drawOthers = (): void => {
    generations.value = [...generations.value.slice(0, -1), { ...current, seed: current.seed + 1 }];
  };
  const returnTo = (n: number): void => {
    generations.value = generations.value.slice(0, n + 1);
  };
  const play = (): void => {
    const [child] = pickedChildren;
    if (!child) return;
    receivePerson(child);
    selectedId.value = child.id;
    onPlay();
  };
  return (
    <>
      <div class="stage family">
        <Lineage generations={generations.value} onBack={returnTo} />
        <div class="nine" role="group" aria-label={translate("friend.children")}>
          {Array.from({ length: CHILDREN }, (_, n) => (
            <button
              type="button"
              key={n}
              class="child"
              aria-label={translate("friend.child", { number: n + 1 })}
              aria-pressed={picked.value.includes(n)}
              aria-disabled={!children.value[n]}
              onClick={() => pick(n)}
            >
              {children.value[n] && <img src={children.value[n].image} alt="" draggable={false} />}
            </button>
          ))}
        </div>
      </div>
      <div class="panel row">
        <p class="muted">{translate("friend.children.more")}</p>
        <Button icon="dice" disabled={busy.value} onClick={drawOthers}>
          {translate("friend.more")}
        </Button>
        <Button icon="tree" disabled={!pickedChildren.length || busy.value} onClick={addGeneration}>
          {translate("friend.grandchildren")}
        </Button>
        <Button disabled={pickedChildren.length !== 1} onClick={play}>
          {translate("friend.play")}
        </Button>
      </div>
    </>
  );
}

/** The parents of every generation; a pair leads back to its children. */
function Lineage({ generations, onBack }: { generations: Generation[]; onBack: (generation: number) => void }) {
  return (
    <ol class="lineage" aria-label={translate("friend.lineage")}>
      {generations.map(({ parents: [first, second] }, n) => (
        <li key={n}>
          <button
            type="button"
            class="parents"
            aria-current={n === generations.length - 1}
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
