/** The play screen: the likeness, one slider at a time, presets and mixing, and a comparison with the photo. */

import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Button } from "../parts/button";
import { Face } from "../parts/face";
import { onPress, useKeys } from "../parts/keyboard";
import { Slider } from "../parts/slider";
import { booth, busy, currentPerson, photographedPeople } from "../state/booth";
import {
  clearPreviews,
  commitSliders,
  exactPending,
  keepVersion,
  moveSlider,
  openVersion,
  previewUrl,
  redo,
  reset,
  selectPerson,
  sliderValue,
  sliderValues,
  surprise,
  undo,
} from "../state/edits";
import { attributeName, endLabels, formatResult, formatValue, isChanged, limitText, sliderStep } from "../state/units";
import type { Person, Slider as SliderRange } from "../types";
import { translate } from "../words/words";
import { alikeText, PersonPicker } from "./encoding";
import { Mirror, Reveal } from "./mirror";
import { Mix } from "./mix";
import { Presets } from "./presets";
import { Styles } from "./styles";

interface PlayProps {
  onFriend: () => void;
  onFinish: () => void;
}

export function Play({ onFriend, onFinish }: PlayProps) {
  const person = currentPerson.value;
  const panel = useSignal("age"); // "presets", "styles", "mirror", "mix" or the name of an attribute
  useEffect(() => {
    if (person) selectPerson(person);
  }, [person?.id]);
  useEffect(() => clearPreviews, []);
  if (!person) return null;
  const open = person.sliders.length ? panel.value : "mix"; // children have no sliders, but can be mixed
  const slider = person.sliders.find(({ name }) => name === open);
  const openPanel = (name: string): void => {
    panel.value = name;
  };
  return (
    <main class="screen play">
      <h1 class="unseen">{translate("play")}</h1>
      <aside class="versions">
        {photographedPeople.value.length > 1 && <PersonPicker shown={person.id} />}
        <Versions person={person} />
      </aside>
      <Likeness person={person} />
      <Reveal person={person} />
      <Tools person={person} onFinish={onFinish} />
      <div class="panel">
        {slider ? (
          <SliderPanel person={person} slider={slider} />
        ) : open === "mirror" ? (
          <Mirror person={person} />
        ) : open === "mix" ? (
          <Mix person={person} />
        ) : open === "styles" ? (
          <Styles person={person} />
        ) : (
          <Presets person={person} />
        )}
      </div>
      <Chips person={person} panel={open} onPanel={openPanel} onFriend={onFriend} />
    </main>
  );
}

/** How the photo is compared with the likeness. `held` shows the whole photo, `split` the part left of a line. */
interface Comparison {
  held: Signal<boolean>;
  split: Signal<number | null>; // 0...1
}

/** The picture. Pressing it shows the photo; in split view, dragging moves the line. */
function Likeness({ person }: { person: Person }) {
  const comparison: Comparison = { held: useSignal(false), split: useSignal<number | null>(null) };
  const { held, split } = comparison;
  const dragging = useSignal(false);
  const moveLine = (event: PointerEvent & { currentTarget: HTMLElement }): void => {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    split.value = Math.min(1, Math.max(0, (event.clientX - left) / width));
  };
  const press = (event: PointerEvent & { currentTarget: HTMLElement }): void => {
    event.currentTarget.setPointerCapture(event.pointerId);
    dragging.value = true;
    if (split.value === null) held.value = true;
    else moveLine(event);
  };
  const release = (): void => {
    dragging.value = false;
    held.value = false;
  };
  useKeys({
    b: (down) => {
      held.value = down;
    },
    z: onPress(() => person.can_undo && void undo()),
    y: onPress(() => person.can_redo && void redo()),
    s: onPress(() => toggleSplit(comparison)),
  });
  return (
    <section class="stage likeness">
      <div
        class="touch"
        onPointerDown={press}
        onPointerMove={(event) => dragging.value && split.value !== null && moveLine(event)}
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
          split={split.value}
          class={exactPending.value ? "exact" : ""}
        >
          {(exactPending.value || busy.value) && (
            <p class="working" role="status">
              {translate("wait.working")}
              <progress aria-label={translate("wait.working")} />
            </p>
          )}
          {split.value !== null && <span class="line" style={{ left: `${split.value * 100}%` }} aria-hidden="true" />}
          <figcaption class="mark">{held.value ? translate("before") : captionOf(person)}</figcaption>
        </Face>
      </div>
      {split.value !== null && (
        <input
          class="unseen"
          type="range"
          min="0"
          max="100"
          aria-label={translate("split.line")}
          value={split.value * 100}
          onInput={(event) => {
            split.value = event.currentTarget.valueAsNumber / 100;
          }}
        />
      )}
      {(person.crop ?? person.found) && <CompareButtons comparison={comparison} />}
    </section>
  );
}

function toggleSplit({ split }: Comparison): void {
  split.value = split.value === null ? 0.5 : null;
}

function CompareButtons({ comparison }: { comparison: Comparison }) {
  const { held, split } = comparison;
  const setHeld = (value: boolean) => () => {
    held.value = value;
  };
  return (
    <div class="compare">
      <button
        type="button"
        class="button tool"
        title={translate("before.hold")}
        aria-pressed={held.value}
        onPointerDown={setHeld(true)}
        onPointerUp={setHeld(false)}
        onPointerLeave={setHeld(false)}
        onKeyDown={(event) => event.key === " " && setHeld(true)()}
        onKeyUp={setHeld(false)}
        onContextMenu={(event) => event.preventDefault()}
      >
        {translate("before")}
      </button>
      <Button kind="tool" pressed={split.value !== null} onClick={() => toggleSplit(comparison)}>
        {translate("split")}
      </Button>
    </div>
  );
}

/** Return the text on the picture: that it is generated, and, before an edit, how much it looks like the photo. */
export function captionOf(person: Person): string {
  const alike = alikeText(person.quality.word);
  if (!alike || isEdited(person)) return translate("ai");
  return [translate("ai"), alike, person.better ? translate("alike.better") : ""].filter(Boolean).join(" · ");
}

/** Return whether an edit is shown, or its preview: then the picture is meant to differ from the photo. */
const isEdited = (person: Person): boolean =>
  person.quality.identity === null || Object.keys(sliderValues.value).length > 0;

function Tools({ person, onFinish }: { person: Person; onFinish: () => void }) {
  return (
    <aside class="tools">
      <Button kind="tool" icon="undo" disabled={!person.can_undo || busy.value} onClick={() => void undo()}>
        {translate("undo")}
      </Button>
      <Button kind="tool" icon="redo" disabled={!person.can_redo || busy.value} onClick={() => void redo()}>
        {translate("redo")}
      </Button>
      <Button kind="tool" icon="reset" disabled={busy.value} onClick={() => void reset()}>
        {translate("reset")}
      </Button>
      <Button kind="tool" icon="keep" disabled={busy.value} onClick={() => void keepVersion()}>
        {translate("keep")}
      </Button>
      <Button kind="next" onClick={onFinish}>
        {translate("done")}
      </Button>
    </aside>
  );
}

/** The versions that the visitor kept; a click returns to one. */
function Versions({ person }: { person: Person }) {
  return (
    <div class="kept" role="group" aria-label={translate("keep")}>
      {person.kept.map(({ id, image }, n) => (
        <button
          type="button"
          key={id}
          class="thumb"
          aria-label={translate("kept.version", { number: n + 1 })}
          onClick={() => void openVersion(id)}
        >
          <img src={image} alt="" draggable={false} />
        </button>
      ))}
    </div>
  );
}

function SliderPanel({ person, slider }: { person: Person; slider: SliderRange }) {
  const value = sliderValue(person, slider);
  const [low, high] = endLabels(slider.name);
  const text = formatValue(slider, value);
  const result = formatResult(slider, person, value);
  const isMoved = sliderValues.value[slider.name] !== undefined;
  return (
    <div class="control">
      <p class="value">
        {result && <strong>{result}</strong>}
        {!result && <strong>{text}</strong>}
        {result && value !== slider.me && <span>{text}</span>}
      </p>
      <Slider
        label={attributeName(slider.name)}
        low={slider.min}
        high={slider.max}
        step={sliderStep(slider)}
        value={value}
        notch={slider.me}
        notchLabel={translate("me")}
        lowLabel={low}
        highLabel={high}
        text={text}
        onSlide={(next) => moveSlider(person, slider.name, next)}
        onSettle={() => void commitSliders()}
      />
      <p class="limit" role="status">
        {isMoved ? "" : limitText(slider, person)}
      </p>
    </div>
  );
}

interface ChipsProps {
  person: Person;
  panel: string;
  onPanel: (name: string) => void;
  onFriend: () => void;
}

/** The row of buttons that select a slider or another panel. */
function Chips({ person, panel, onPanel, onFriend }: ChipsProps) {
  return (
    <nav class="chips">
      {person.sliders.map((slider) => (
        <Button
          key={slider.name}
          kind="chip"
          class={isChanged(slider, person) ? "changed" : ""}
          pressed={panel === slider.name}
          onClick={() => onPanel(slider.name)}
        >
          {attributeName(slider.name)}
        </Button>
      ))}
      {person.sliders.length > 0 && (
        <Button kind="chip" pressed={panel === "presets"} onClick={() => onPanel("presets")}>
          {translate("presets")}
        </Button>
      )}
      {person.sliders.length > 0 && (
        <Button kind="chip" icon="camera" pressed={panel === "mirror"} onClick={() => onPanel("mirror")}>
          {translate("mirror")}
        </Button>
      )}
      {booth.value.styles.length > 0 && (
        <Button
          kind="chip"
          class={person.style ? "changed" : ""}
          pressed={panel === "styles"}
          onClick={() => onPanel("styles")}
        >
          {translate("styles")}
        </Button>
      )}
      <Button kind="chip" pressed={panel === "mix"} onClick={() => onPanel("mix")}>
        {translate("mix")}
      </Button>
      <Button kind="chip" icon="friends" onClick={onFriend}>
        {translate("friend")}
      </Button>
      <Button kind="chip" icon="dice" disabled={busy.value} onClick={() => void surprise()}>
        {translate("surprise")}
      </Button>
    </nav>
  );
}
