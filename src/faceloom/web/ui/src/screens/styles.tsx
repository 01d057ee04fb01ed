/** Styles: the person as a photo, or drawn as one of the booth's styles draws. */

import { Button } from "../parts/button";
import { booth, busy } from "../state/booth";
import { setStyle } from "../state/edits";
import type { Person } from "../types";
import { type TextKey, translate } from "../words/words";

const NAMES: Record<string, TextKey> = {
  "": "style.none",
  ink: "style.ink",
  watercolor: "style.watercolor",
  comic: "style.comic",
};

export function Styles({ person }: { person: Person }) {
  const offered = ["", ...booth.value.styles];
  return (
    <div class="control presets" role="group" aria-label={translate("styles")}>
      {offered.map((name) => (
        <Button
          key={name}
          kind="plain"
          pressed={person.style === name}
          disabled={busy.value}
          onClick={() => void setStyle(name)}
        >
          {NAMES[name] ? translate(NAMES[name]) : name}
        </Button>
      ))}
    </div>
  );
}
