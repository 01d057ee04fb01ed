/** Whole changes at one touch. */

import { Button } from "../parts/button";
import { busy } from "../state/booth";
import { editPerson } from "../state/edits";
import type { Person } from "../types";
import { type TextKey, translate } from "../words/words";

const PRESETS: [TextKey, Record<string, number>][] = [
  ["preset.young", { age: -20 }],
  ["preset.old", { age: 30 }],
  ["preset.portrait", { smile: 0.3, yaw: 0, pitch: 0, mouth_open: 0.1 }],
  ["preset.party", { smile: 0.95, glasses: 0.9 }],
];

export function Presets({ person }: { person: Person }) {
  const there = new Set(person.sliders.map(({ name }) => name));
  return (
    <div class="control presets" role="group" aria-label={translate("presets")}>
      {PRESETS.map(([word, values]) => (
        <Button
          key={word}
          kind="plain"
          disabled={busy.value}
          onClick={() => {
            const wanted = Object.entries(values).filter(([name]) => there.has(name));
            void editPerson("controls", { ...person.controls, ...Object.fromEntries(wanted) });
          }}
        >
          {translate(word)}
        </Button>
      ))}
    </div>
  );
}
