/** Playing: the likeness large, chips that open one slider each, and the photo under a finger. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Button } from "../parts/button";
import { Face } from "../parts/face";
import { pressed, useKeys } from "../parts/keyboard";
import { Slider } from "../parts/slider";
import { busy, grown, person, progress } from "../state/booth";
import { alter, exact, forgetPreviews, settle, shown, slide, standing, take } from "../state/edits";
import { comesTo, ends, inUnits, isChanged, nameOf, stepOf } from "../state/units";
import type { Control, Person } from "../types";
import { say } from "../words/words";
import { People, percentOf } from "./encoding";
import { Mix } from "./mix";
import { Presets } from "./presets";

type Panel = string;

interface PlayProps {
  onFriend: () => void;
  onFinish: () => void;
}

export function Play({ onFriend, onFinish }: PlayProps) {
  const one = person.value;
  const panel = useSignal<Panel>("age");
  useEffect(() => {
    if (one) take(one);
  }, [one?.id]);
  useEffect(() => forgetPreviews, []);
  if (!one) return null;
  const open = one.sliders.length ? panel.value : "mix"; // a child can be mixed, not steered
  const control = one.sliders.find(({ name }) => name === open);
  return (
    <main class="screen play">
      <h1 class="unseen">{say("play")}</h1>
      <aside class="versions">
        {grown.value.length > 1 && <People />}
        <Kept one={one} />
      </aside>
      <Likeness one={one} />
      <Tools one={one} onFinish={onFinish} />
      <div class="panel">
        {control ? <Control one={one} control={control} /> : open === "mix" ? <Mix one={one} /> : <Presets one={one} />}
      </div>
      <Chips one={one} panel={open} onPanel={(name) => (panel.value = name)} onFriend={onFriend} />
    </main>
  );
}

/** The picture. A finger on it shows the photo; in split, it moves the line. */
function Likeness({ one }: { one: Person }) {
  const held = useSignal(false);
  const line = useSignal<number | null>(null);
  const moving = useSignal(false);
  const now = progress.value[one.id];
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
    z: pressed(() => one.can_undo && void alter("undo")),
    y: pressed(() => one.can_redo && void alter("redo")),
    s: pressed(() => (line.value = line.value === null ? 0.5 : null)),
  });
  const alike = now?.quality ?? one.quality.identity;
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
          key={one.id}
          src={shown.value ?? one.image}
          alt={say("alt.likeness")}
          before={one.crop ?? one.found}
          hold={held.value}
          split={line.value}
          class={exact.value ? "exact" : ""}
        >
          {line.value !== null && <span class="line" style={{ left: `${line.value * 100}%` }} aria-hidden="true" />}
          <figcaption class="mark">{held.value ? say("before") : caption(one, alike)}</figcaption>
        </Face>
      </div>
      {line.value !== null && (
        <input
          class="unseen"
          type="range"
          min="0"
          max="100"
          aria-label={say("split.line")}
          value={line.value * 100}
          onInput={(event) => (line.value = event.currentTarget.valueAsNumber / 100)}
        />
      )}
      {(one.crop ?? one.found) && (
        <div class="compare">
          <button
            type="button"
            class="button tool"
            title={say("before.hold")}
            aria-pressed={held.value}
            onPointerDown={() => (held.value = true)}
            onPointerUp={() => (held.value = false)}
            onPointerLeave={() => (held.value = false)}
            onKeyDown={(event) => event.key === " " && (held.value = true)}
            onKeyUp={() => (held.value = false)}
            onContextMenu={(event) => event.preventDefault()}
          >
            {say("before")}
          </button>
          <Button
            kind="tool"
            pressed={line.value !== null}
            onClick={() => (line.value = line.value === null ? 0.5 : null)}
          >
            {say("split")}
          </Button>
        </div>
      )}
    </section>
  );
}

/** What is written on the picture: that it is drawn, and how much alike it has become. */
function caption(one: Person, alike: number | null | undefined): string {
  if (one.lineage.length || typeof alike !== "number") return say("ai");
  const percent = percentOf(alike);
  return `${say("ai")} · ${say(one.better ? "alike.more" : "alike", { percent })}`;
}

function Tools({ one, onFinish }: { one: Person; onFinish: () => void }) {
  return (
    <aside class="tools">
      <Button kind="tool" icon="undo" disabled={!one.can_undo || busy.value} onClick={() => void alter("undo")}>
        {say("undo")}
      </Button>
      <Button kind="tool" icon="redo" disabled={!one.can_redo || busy.value} onClick={() => void alter("redo")}>
        {say("redo")}
      </Button>
      <Button kind="tool" icon="reset" disabled={busy.value} onClick={() => void alter("reset")}>
        {say("reset")}
      </Button>
      <Button kind="tool" icon="keep" disabled={busy.value} onClick={() => void alter("keep")}>
        {say("keep")}
      </Button>
      <Button kind="next" onClick={onFinish}>
        {say("done")}
      </Button>
    </aside>
  );
}

function Kept({ one }: { one: Person }) {
  return (
    <div class="kept" role="group" aria-label={say("keep")}>
      {one.kept.map(({ id, image }, n) => (
        <button
          type="button"
          key={id}
          class="thumb"
          aria-label={say("kept.version", { number: n + 1 })}
          onClick={() => void alter(`kept/${id}`)}
        >
          <img src={image} alt="" draggable={false} />
        </button>
      ))}
    </div>
  );
}

function Control({ one, control }: { one: Person; control: Control }) {
  const value = standing(one, control);
  const [low, high] = ends(control.name);
  const text = inUnits(control, value);
  return (
    <div class="control">
      <p class="value">
        <strong>{text}</strong> <span>{comesTo(control, one, value)}</span>
      </p>
      <Slider
        label={nameOf(control.name)}
        low={control.min}
        high={control.max}
        step={stepOf(control)}
        value={value}
        notch={control.me}
        notchLabel={say("me")}
        lowLabel={low}
        highLabel={high}
        text={text}
        onSlide={(next) => slide(one, control.name, next)}
        onSettle={() => void settle()}
      />
    </div>
  );
}

interface ChipsProps {
  one: Person;
  panel: Panel;
  onPanel: (name: Panel) => void;
  onFriend: () => void;
}

function Chips({ one, panel, onPanel, onFriend }: ChipsProps) {
  return (
    <nav class="chips">
      {one.sliders.map((control) => (
        <Button
          key={control.name}
          kind="chip"
          class={isChanged(control, one) ? "changed" : ""}
          pressed={panel === control.name}
          onClick={() => onPanel(control.name)}
        >
          {nameOf(control.name)}
        </Button>
      ))}
      {one.sliders.length > 0 && (
        <Button kind="chip" pressed={panel === "presets"} onClick={() => onPanel("presets")}>
          {say("presets")}
        </Button>
      )}
      <Button kind="chip" pressed={panel === "mix"} onClick={() => onPanel("mix")}>
        {say("mix")}
      </Button>
      <Button kind="chip" icon="friends" onClick={onFriend}>
        {say("friend")}
      </Button>
      <Button kind="chip" icon="dice" disabled={busy.value} onClick={() => void alter("surprise")}>
        {say("surprise")}
      </Button>
    </nav>
  );
}
