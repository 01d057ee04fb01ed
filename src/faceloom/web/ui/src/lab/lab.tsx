/** For the curious: what the networks saw, and what the generator can do. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Button } from "../parts/button";
import { go } from "../route";
import { translate } from "../words/words";
import { Drag } from "./drag";
import { Explore } from "./explore";
import { Inspect } from "./inspect";
import { closeLab, openLab, playablePeople, showPerson, view } from "./state";
import { translateLab } from "./words";
import "./lab.css";

const ROOMS = { explore: Explore, drag: Drag, seen: Inspect } as const;
type Room = keyof typeof ROOMS;

export function Lab() {
  const room = useSignal<Room>("explore");
  useEffect(() => {
    void openLab();
    return closeLab;
  }, []);
  const Shown = ROOMS[room.value];
  return (
    <main class="screen lab">
      <header class="lab-head">
        <Button icon="back" kind="quiet" onClick={() => go("/")}>
          {translate("home")}
        </Button>
        <h1>{translate("lab")}</h1>
        <div class="segments" role="group" aria-label={translate("lab")}>
          {(Object.keys(ROOMS) as Room[]).map((name) => (
            <Button key={name} kind="chip" pressed={room.value === name} onClick={() => (room.value = name)}>
              {translateLab(name)}
            </Button>
          ))}
        </div>
      </header>
      <Shown />
    </main>
  );
}

/** Nobody, or one of those who were found. */
export function FaceChoice() {
  const people = playablePeople.value;
  if (!people.length) return null;
  return (
    <div class="row" role="group" aria-label={translateLab("whose")}>
      <Button kind="chip" pressed={!view.value.person} onClick={() => showPerson("")}>
        {translateLab("invented")}
      </Button>
      {people.map(({ id }, n) => (
        <Button key={id} kind="chip" pressed={view.value.person === id} onClick={() => showPerson(id)}>
          {people.length === 1 ? translateLab("you") : translateLab("you.number", { number: n + 1 })}
        </Button>
      ))}
    </div>
  );
}
