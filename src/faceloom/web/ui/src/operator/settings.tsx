/** The form of the booth's settings. The type of a value selects its input. */

import { useSignal } from "@preact/signals";
import { Button } from "../parts/button";
import type { BoothSettings } from "../types";
import { isTextKey, LANGUAGES, type Language, type TextKey, translate } from "../words/words";

type Value = string | number | boolean | string[];

/** Settings that are chosen from a few values: the keys of their words, by value. */
const CHOICES: Partial<Record<string, Record<string, TextKey>>> = {
  camera: { browser: "camera.browser", webcam: "camera.webcam", dslr: "camera.dslr", pi: "camera.pi" },
  look: { auto: "look.auto", dark: "look.dark", light: "look.light" },
  minors: { guardian: "minors.guardian", refuse: "minors.refuse" },
  print_template: { portrait: "template.portrait", landscape: "template.landscape" },
  label_place: {
    "bottom right": "corner.bottom_right",
    "bottom left": "corner.bottom_left",
    "top right": "corner.top_right",
    "top left": "corner.top_left",
  },
};
const COLORS = ["print_paper", "print_ink"];
/** Settings that have a place of their own on the page. */
const ELSEWHERE = ["printer"];

/** Bounds of numbers, as the server checks them. */
const BOUNDS: Partial<Record<string, [number, number]>> = {
  retention_minutes: [1, 240],
  take_minutes: [1, 1440],
  idle_seconds: [15, 3600],
  countdown: [0, 10],
  encode_seconds: [2, 60],
  improve_seconds: [0, 600],
  min_age: [0, 25],
  cast_people: [0, 300],
  cast_size: [64, 1024],
  cast_space: [10, 100_000],
  copies: [1, 9],
  print_quota: [0, 100],
};

/** Return the label of a setting. */
const label = (name: string): string => {
  const key = `set.${name}`;
  return isTextKey(key) ? translate(key) : name.replaceAll("_", " ");
};

interface SettingsProps {
  settings: BoothSettings;
  onSave: (settings: BoothSettings) => void;
}

export function Settings({ settings, onSave }: SettingsProps) {
  const draft = useSignal<Partial<BoothSettings>>({});
  const edited = { ...settings, ...draft.value };
  const set = (name: string, value: Value): void => {
    draft.value = { ...draft.value, [name]: value };
  };
  return (
    <form
      class="settings"
      data-typing
      onSubmit={(event) => {
        event.preventDefault();
        onSave(edited);
        draft.value = {};
      }}
    >
      {Object.entries(edited)
        .filter(([name]) => !ELSEWHERE.includes(name))
        .map(([name, value]) => (
          <Field key={name} name={name} value={value} onChange={(next) => set(name, next)} />
        ))}
      <button type="submit" class="button next" aria-disabled={!Object.keys(draft.value).length}>
        {translate("operator.save")}
      </button>
    </form>
  );
}

interface FieldProps {
  name: string;
  value: Value;
  onChange: (value: Value) => void;
}

function Field({ name, value, onChange }: FieldProps) {
  if (typeof value === "boolean") {
    return (
      <label class="switch">
        <input
          type="checkbox"
          role="switch"
          checked={value}
          onChange={(event) => onChange(event.currentTarget.checked)}
        />
        <span>{label(name)}</span>
      </label>
    );
  }
  if (Array.isArray(value)) return <Languages name={name} value={value} onChange={onChange} />;
  const choices = CHOICES[name];
  if (choices) {
    return (
      <fieldset>
        <legend>{label(name)}</legend>
        {Object.entries(choices).map(([choice, key]) => (
          <Button key={choice} kind="chip" pressed={value === choice} onClick={() => onChange(choice)}>
            {translate(key)}
          </Button>
        ))}
      </fieldset>
    );
  }
  return (
    <label class="field">
      <span>{label(name)}</span>
      {typeof value === "number" ? (
        <NumberInput name={name} value={value} onChange={onChange} />
      ) : (
        <TextInput name={name} value={value} onChange={onChange} />
      )}
    </label>
  );
}

function TextInput({ name, value, onChange }: { name: string; value: string; onChange: (value: string) => void }) {
  const change = (event: { currentTarget: HTMLInputElement }): void => onChange(event.currentTarget.value);
  if (COLORS.includes(name)) return <input type="color" value={value} onInput={change} />;
  return <input type="text" maxLength={100} value={value} onInput={change} />;
}

function NumberInput({ name, value, onChange }: { name: string; value: number; onChange: (value: number) => void }) {
  const [low, high] = BOUNDS[name] ?? [0, 1e6];
  const change = (event: { currentTarget: HTMLInputElement }): void => onChange(event.currentTarget.valueAsNumber);
  return <input type="number" min={low} max={high} step="any" required value={value} onInput={change} />;
}

function Languages({ name, value, onChange }: { name: string; value: string[]; onChange: (value: Value) => void }) {
  const toggle = (code: Language): void => {
    const next = value.includes(code) ? value.filter((other) => other !== code) : [...value, code];
    if (next.length) onChange(next);
  };
  return (
    <fieldset>
      <legend>{label(name)}</legend>
      {(Object.keys(LANGUAGES) as Language[]).map((code) => (
        <Button key={code} kind="chip" pressed={value.includes(code)} onClick={() => toggle(code)}>
          {LANGUAGES[code].name}
        </Button>
      ))}
    </fieldset>
  );
}
