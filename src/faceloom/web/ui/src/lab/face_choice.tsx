/** Buttons that select whose face the Lab shows: a generated face, or a person of the visit. */

import { Button } from "../parts/button";
import { playablePeople, showPerson, view } from "./state";
import { translateLab } from "./words";

export function FaceChoice() {
  const people = playablePeople.value;
  if (!people.length) return null;
  return (
    <div class="row" role="group" aria-label={translateLab("face")}>
      <Button kind="chip" pressed={!view.value.person} onClick={() => showPerson("")}>
        {translateLab("generated")}
      </Button>
      {people.map(({ id }, n) => (
        <Button key={id} kind="chip" pressed={view.value.person === id} onClick={() => showPerson(id)}>
          {people.length === 1 ? translateLab("you") : translateLab("you.number", { number: n + 1 })}
        </Button>
      ))}
    </div>
  );
}
