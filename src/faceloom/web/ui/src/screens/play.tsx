/** Playing: the likeness large, chips that open one slider each, and the photo under a finger. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Button } from "../parts/button";
import { Face } from "../parts/face";
import { onPress, useKeys } from "../parts/keyboard";
import { Slider } from "../parts/slider";
import { busy, currentPerson, photographedPeople, progress } from "../state/booth";
import {
  clearPreviews,
  commitSliders,
  editPerson,
  exactPending,
  moveSlider,
  previewUrl,
  selectPerson,
  sliderValue,
} from "../state/edits";
import { attributeName, endLabels, formatResult, formatValue, isChanged, sliderStep } from "../state/units";
import type { Control, Person } from "../types";
import { translate } from "../words/words";
import { formatPercent, PersonPicker } from "./encoding";
import { Mix } from "./mix";
import { Presets } from "./presets";

type Panel = string;

interface PlayProps {
  onFriend: () => void;
  onFinish: () => void;
}

export function Play({ onFriend, onFinish }: PlayProps) {
  const person = currentPerson.value;
  const panel = useSignal<Panel>("age");
  useEffect(() => {
    if (person) selectPerson(person);
  }, [person?.id]);
  useEffect(() => clearPreviews, []);
  if (!person) return null;
  const open = person.sliders.length ? panel.value : "mix"; // a child can be mixed, not steered
  const control = person.sliders.find(({ name }) => name === open);
  return (
    <main class="screen play">
      <h1 class="unseen">{translate("play")}</h1>
      <aside class="versions">
        {photographedPeople.value.length > 1 && <PersonPicker />}
        <Versions person={person} />
      </aside>
      <Likeness person={person} />
      <Tools person={person} onFinish={onFinish} />
      <div class="panel">
        {control ? (
          <Control person={person} control={control} />
        ) : open === "mix" ? (
          <Mix person={person} />
        ) : (
          <Presets person={person} />
        )}
      </div>
      <Chips person={person} panel={open} onPanel={(name) => (panel.value = name)} onFriend={onFriend} />
    </main>
  );
}

/** The picture. A finger on it shows the photo; in split, it moves the line. */
function Likeness({ person }: { person: Person }) {
  const held = useSignal(false);
  const line = useSignal<number | null>(null);
  const moving = useSignal(false);
  const now = progress.value[person.id];
  const move = (event: PointerEvent & { currentTarget: HTMLElement }): void => {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    line.value = Math.min(1, Math.max(0, (event.clientX - left) / width));
  };
  const press = (event: PointerEvent & { currentTarget: HTMLElement }): void => {
    event.currentTarget.setPointerCapture(event.pointerId);
    moving.value = true;
    if (line.value === null) held.value = true;
    else move(event);
  };
  const release = (): void => {
    moving.value = false;
    held.value = false;
  };
  useKeys({
    b: (down) => (held.value = down),
    z: onPress(() => person.can_undo && void editPerson("undo")),
    y: onPress(() => person.can_redo && void editPerson("redo")),
    s: onPress(() => (line.value = line.value === null ? 0.5 : null)),
  });
  const alike = now?.quality ?? person.quality.identity;
  return (
    <section class="stage likeness">
      <div
        class="touch"
        onPointerDown={press}
        onPointerMove={(event) => moving.value && line.value !== null && move(event)}
        onPointerUp={release}
        onPointerCancel={release}
        onContextMenu={(event) => event.preventDefault()}
      >
        <Face
          key={person.id}
          src={previewUrl.value ?? person.image}
          alt={translate("alt.likeness")}
          before={person.crop ?? person.found}
          hold={held.value}
          split={line.value}
          class={exactPending.value ? "exact" : ""}
        >
          {line.value !== null && <span class="line" style={{ left: `${line.value * 100}%` }} aria-hidden="true" />}
          <figcaption class="mark">{held.value ? translate("before") : caption(person, alike)}</figcaption>
        </Face>
      </div>
      {line.value !== null && (
        <input
          class="unseen"
          type="range"
          min="0"
          max="100"
          aria-label={translate("split.line")}
          value={line.value * 100}
          onInput={(event) => (line.value = event.currentTarget.valueAsNumber / 100)}
        />
      )}
      {(person.crop ?? person.found) && (
        <div class="compare">
          <button
            type="button"
            class="button tool"
            title={translate("before.hold")}
            aria-pressed={held.value}
            onPointerDown={() => (held.value = true)}
            onPointerUp={() => (held.value = false)}
            onPointerLeave={() => (held.value = false)}
            onKeyDown={(event) => event.key === " " && (held.value = true)}
            onKeyUp={() => (held.value = false)}
            onContextMenu={(event) => event.preventDefault()}
          >
            {translate("before")}
          </button>
          <Button
            kind="tool"
            pressed={line.value !== null}
            onClick={() => (line.value = line.value === null ? 0.5 : null)}
          >
            {translate("split")}
          </Button>
        </div>
      )}
    </section>
  );
}

/** What is written on the picture: that it is drawn, and how much alike it has become. */
function caption(person: Person, alike: number | null | undefined): string {
  if (person.lineage.length || typeof alike !== "number") return translate("ai");
  const percent = formatPercent(alike);
  return `${translate("ai")} · ${translate(person.better ? "alike.more" : "alike", { percent })}`;
}

function Tools({ person, onFinish }: { person: Person; onFinish: () => void }) {
  return (
    <aside class="tools">
      <Button kind="tool" icon="undo" disabled={!person.can_undo || busy.value} onClick={() => void editPerson("undo")}>
        {translate("undo")}
      </Button>
      <Button kind="tool" icon="redo" disabled={!person.can_redo || busy.value} onClick={() => void editPerson("redo")}>
        {translate("redo")}
      </Button>
      <Button kind="tool" icon="reset" disabled={busy.value} onClick={() => void editPerson("reset")}>
        {translate("reset")}
      </Button>
      <Button kind="tool" icon="keep" disabled={busy.value} onClick={() => void editPerson("keep")}>
        {translate("keep")}
      </Button>
      <Button kind="next" onClick={onFinish}>
        {translate("done")}
      </Button>
    </aside>
  );
}

function Versions({ person }: { person: Person }) {
  return (
    <div class="kept" role="group" aria-label={translate("keep")}>
      {person.kept.map(({ id, image }, n) => (
        <button
          type="button"
          key={id}
          class="thumb"
          aria-label={translate("kept.version", { number: n + 1 })}
          onClick={() => void editPerson(`kept/${id}`)}
        >
          <img src={image} alt="" draggable={false} />
        </button>
      ))}
    </div>
  );
}

function Control({ person, control }: { person: Person; control: Control }) {
  const value = sliderValue(person, control);
  const [low, high] = endLabels(control.name);
  const text = formatValue(control, value);
  return (
    <div class="control">
      <p class="value">
        <strong>{text}</strong> <span>{formatResult(control, person, value)}</span>
      </p>
      <Slider
        label={attributeName(control.name)}
        low={control.min}
        high={control.max}
        step={sliderStep(control)}
        value={value}
        notch={control.me}
        notchLabel={translate("me")}
        lowLabel={low}
        highLabel={high}
        text={text}
        onSlide={(next) => moveSlider(person, control.name, next)}
        onSettle={() => void commitSliders()}
      />
    </div>
  );
}

interface ChipsProps {
  person: Person;
  panel: Panel;
  onPanel: (name: Panel) => void;
  onFriend: () => void;
}

function Chips({ person, panel, onPanel, onFriend }: ChipsProps) {
  return (
    <nav class="chips">
      {person.sliders.map((control) => (
        <Button
          key={control.name}
          kind="chip"
          class={isChanged(control, person) ? "changed" : ""}
          pressed={panel === control.name}
          onClick={() => onPanel(control.name)}
        >
          {attributeName(control.name)}
        </Button>
      ))}
      {person.sliders.length > 0 && (
        <Button kind="chip" pressed={panel === "presets"} onClick={() => onPanel("presets")}>
          {translate("presets")}
        </Button>
      )}
      <Button kind="chip" pressed={panel === "mix"} onClick={() => onPanel("mix")}>
        {translate("mix")}
      </Button>
      <Button kind="chip" icon="friends" onClick={onFriend}>
        {translate("friend")}
      </Button>
      <Button kind="chip" icon="dice" disabled={busy.value} onClick={() => void editPerson("surprise")}>
        {translate("surprise")}
      </Button>
    </nav>
  );
}
