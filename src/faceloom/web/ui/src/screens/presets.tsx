/** Presets: several sliders set by one button. */

import { Button } from "../parts/button";
import { busy } from "../state/booth";
import { setSliders } from "../state/edits";
import type { Person, SliderValues } from "../types";
import { type TextKey, translate } from "../words/words";

const PRESETS: [TextKey, SliderValues][] = [
  ["preset.young", { age: -20 }],
  ["preset.old", { age: 30 }],
  ["preset.portrait", { smile: 0.3, yaw: 0, pitch: 0, mouth_open: 0.1 }],
  ["preset.party", { smile: 0.95, glasses: 0.9 }],
];

export function Presets({ person }: { person: Person }) {
  const available = new Set(person.sliders.map(({ name }) => name));
  const apply = (values: SliderValues) => () => {
    const applicable = Object.entries(values).filter(([name]) => available.has(name));
    void setSliders({ ...person.controls, ...Object.fromEntries(applicable) });
  };
  return (
    <div class="control presets" role="group" aria-label={translate("presets")}>
      {PRESETS.map(([name, values]) => (
        <Button key={name} kind="plain" disabled={busy.value} onClick={apply(values)}>
          {translate(name)}
        </Button>
      ))}
    </div>
  );
}
