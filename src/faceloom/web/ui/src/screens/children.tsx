/** Children of two people at any age, children of those, and a portrait of the family. */

import { useSignal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { post } from "../api";
import { Button } from "../parts/button";
import { Dialog } from "../parts/dialog";
import { Slider } from "../parts/slider";
import { Waiting } from "../parts/waiting";
import { booth, busy, load, receivePerson, runAction, selectedId } from "../state/booth";
import type { Download, Person, Picture } from "../types";
import { formatNumber, translate } from "../words/words";
import { toggleFace } from "./choose_faces";

const CHILDREN = 9; // number of children in one generation
const AGES = { low: 2, high: 30, start: 6 }; // years
const MAX_PORTRAYED = 6; // children in a family portrait
const PORTRAYED = 3; // children in a family portrait when none is picked

interface Generation {
  parents: [Picture, Picture];
  seed: number;
  age: number;
  balance: number;
}

interface ChildrenProps {
  a: Picture;
  b: Picture;
  onPlay: () => void;
}

export function Children({ a, b, onPlay }: ChildrenProps) {
  const first: Generation = { parents: [a, b], seed: 0, age: AGES.start, balance: 0.5 };
  const generations = useSignal<Generation[]>([first]);
  const children = useSignal<Person[]>([]);
  const picked = useSignal<number[]>([]);
  const making = useSignal<AbortController | null>(null);
  const current = generations.value.at(-1) as Generation;
  useEffect(() => {
    picked.value = [];
    children.value = [];
    const controller = new AbortController();
    making.value = controller;
    const add = (child: Person): void => {
      children.value = [...children.value, child];
    };
    void load(() => makeChildren(current, controller.signal, add)).then(() => {
      if (making.value === controller) making.value = null;
    });
    return () => controller.abort();
  }, [current]);
  const pickedChildren = picked.value.flatMap((n) => children.value[n] ?? []);
  const pick = (n: number): void => {
    if (children.value[n]) picked.value = toggleFace(picked.value, n);
  };
  const addGeneration = (): void => {
    const [one, other] = pickedChildren;
    if (!one) return;
    const parents: Generation["parents"] = [one, other ?? current.parents[0]];
    generations.value = [...generations.value, { ...first, parents }];
  };
  const change = (next: Partial<Generation>): void => {
    generations.value = [...generations.value.slice(0, -1), { ...current, ...next }];
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
      <ChildSliders key={generations.value.length} generation={current} onChange={change} />
      <div class="panel row">
        {making.value ? (
          <Making done={children.value.length} onCancel={() => making.value?.abort()} />
        ) : (
          <>
            <p class="muted" role="status">
              {translate("friend.children.more")}
            </p>
            <Button icon="dice" disabled={busy.value} onClick={() => change({ seed: current.seed + 1 })}>
              {translate("friend.more")}
            </Button>
            <Button icon="tree" disabled={!pickedChildren.length || busy.value} onClick={addGeneration}>
              {translate("friend.grandchildren")}
            </Button>
            <FamilyPortrait
              parents={current.parents}
              children={pickedChildren.length ? pickedChildren : children.value}
            />
            <Button disabled={pickedChildren.length !== 1} onClick={play}>
              {translate("friend.play")}
            </Button>
          </>
        )}
      </div>
    </>
  );
}

/** The progress of a generation, the time left by its speed so far, and the way to cancel it. */
function Making({ done, onCancel }: { done: number; onCancel: () => void }) {
  const [begin] = useState(Date.now());
  const left = done ? (((Date.now() - begin) / 1000) * (CHILDREN - done)) / done : null;
  const text = translate("child.making", { n: done, count: CHILDREN });
  return <Waiting text={text} part={done / CHILDREN} secondsLeft={left} onCancel={onCancel} />;
}

/** Make the children one after the other, so that each appears as soon as it is drawn. An abort cancels the others. */
async function makeChildren(
  { parents: [a, b], seed, age, balance }: Generation,
  signal: AbortSignal,
  onChild: (child: Person) => void,
): Promise<void> {
  for (let first = 0; first < CHILDREN && !signal.aborted; first++) {
    const body = { a: a.id, b: b.id, seed, age, balance, first, count: 1 };
    const made = await unlessAborted(post("/children", { body, signal }), signal);
    for (const child of made?.children ?? []) onChild(child);
  }
}

/** Return the answer of a call, or undefined when it was aborted. */
async function unlessAborted<T>(answer: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}

interface ChildSlidersProps {
  generation: Generation;
  onChange: (next: Partial<Generation>) => void;
}

/** The sliders of a generation: the children's age, and which parent they take after. */
function ChildSliders({ generation, onChange }: ChildSlidersProps) {
  const age = useSignal(generation.age);
  const balance = useSignal(generation.balance);
  const [a, b] = generation.parents;
  const years = translate("child.years", { n: formatNumber(age.value) });
  return (
    <div class="child-sliders">
      <div class="child-slider">
        <span class="end-text">{years}</span>
        <Slider
          label={translate("child.age")}
          low={AGES.low}
          high={AGES.high}
          step={1}
          value={age.value}
          text={years}
          onSlide={(next) => {
            age.value = next;
          }}
          onSettle={() => onChange({ age: age.value })}
        />
      </div>
      <div class="child-slider">
        <img class="end-face" src={a.image} alt={translate("person", { number: 1 })} />
        <Slider
          label={translate("child.balance")}
          low={0}
          high={1}
          step={0.05}
          value={balance.value}
          notch={0.5}
          text={formatNumber(balance.value, { style: "percent" })}
          onSlide={(next) => {
            balance.value = next;
          }}
          onSettle={() => onChange({ balance: balance.value })}
        />
        <img class="end-face" src={b.image} alt={translate("person", { number: 2 })} />
      </div>
    </div>
  );
}

/** The button that makes a portrait of the parents and their children, and the portrait. */
function FamilyPortrait({ parents: [a, b], children }: { parents: [Picture, Picture]; children: Person[] }) {
  const making = useSignal<AbortController | null>(null); // while the dialog is open
  const portrait = useSignal<Download | null>(null);
  const close = (): void => {
    making.value?.abort();
    making.value = portrait.value = null;
  };
  const make = async (): Promise<void> => {
    const controller = new AbortController();
    const { signal } = controller;
    making.value = controller;
    const shown = children.slice(0, children.length > MAX_PORTRAYED ? PORTRAYED : MAX_PORTRAYED);
    const body = { a: a.id, b: b.id, children: shown.map(({ id }) => id) };
    const made = await runAction(() => unlessAborted(post("/visit/family", { body, signal }), signal));
    if (signal.aborted) return;
    if (made) portrait.value = made;
    else close();
  };
  const made = portrait.value;
  return (
    <>
      <Button icon="friends" disabled={!children.length || busy.value} onClick={() => void make()}>
        {translate("family")}
      </Button>
      {making.value && (
        <Dialog title={translate("family")} onClose={close} class="portrait">
          {made ? (
            <>
              <img class="taken portrait-picture" src={made.download} alt={translate("family")} />
              {made.reachable && <img class="qr" src={made.qr} alt={translate("alt.qr", { url: "" })} />}
              {!booth.value.kiosk && (
                <a class="button plain" href={`${made.download}?download=1`} download>
                  {translate("download")}
                </a>
              )}
            </>
          ) : (
            <Waiting text={translate("family.making")} onCancel={close} />
          )}
          {made && <Button onClick={close}>{translate("close")}</Button>}
        </Dialog>
      )}
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
