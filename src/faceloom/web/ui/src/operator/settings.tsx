/** The form of the booth's settings. The type of a value selects its input. */

import { useSignal } from "@preact/signals";
import { Button } from "../parts/button";
import type { BoothSettings } from "../types";
import { isTextKey, LANGUAGES, type Language, translate } from "../words/words";

type Value = string | number | boolean | string[];

const LOOKS = ["auto", "dark", "light"] as const;

/** Bounds of numbers, as the server checks them. */
const BOUNDS: Partial<Record<string, [number, number]>> = {
  retention_minutes: [1, 240],
  take_minutes: [1, 1440],
  idle_seconds: [15, 3600],
  countdown: [0, 10],
  encode_seconds: [2, 60],
  improve_seconds: [0, 600],
  copies: [1, 3],
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
      {Object.entries(edited).map(([name, value]) => (
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
  if (name === "look") {
    return (
      <fieldset>
        <legend>{label(name)}</legend>
        {LOOKS.map((look) => (
          <Button key={look} kind="chip" pressed={value === look} onClick={() => onChange(look)}>
            {translate(`look.${look}`)}
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
        <input type="text" maxLength={100} value={value} onInput={(event) => onChange(event.currentTarget.value)} />
      )}
    </label>
  );
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
