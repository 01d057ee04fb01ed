/** For the curious: what the networks saw, and what the generator can do. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Button } from "../parts/button";
import { go } from "../route";
import { say } from "../words/words";
import { DragRoom } from "./drag";
import { Explore } from "./explore";
import { Seen } from "./inspect";
import { close, found, lookAt, open, wanted } from "./state";
import { tell } from "./words";
import "./lab.css";

const ROOMS = { explore: Explore, drag: DragRoom, seen: Seen } as const;
type Room = keyof typeof ROOMS;

export function Lab() {
  const room = useSignal<Room>("explore");
  useEffect(() => {
    void open();
    return close;
  }, []);
  const Shown = ROOMS[room.value];
  return (
    <main class="screen lab">
      <header class="lab-head">
        <Button icon="back" kind="quiet" onClick={() => go("/")}>
          {say("home")}
        </Button>
        <h1>{say("lab")}</h1>
        <div class="segments" role="group" aria-label={say("lab")}>
          {(Object.keys(ROOMS) as Room[]).map((name) => (
            <Button key={name} kind="chip" pressed={room.value === name} onClick={() => (room.value = name)}>
              {tell(name)}
            </Button>
          ))}
        </div>
      </header>
      <Shown />
    </main>
  );
}

/** Nobody, or one of those who were found. */
export function Whose() {
  const people = found.value;
  if (!people.length) return null;
  return (
    <div class="row" role="group" aria-label={tell("whose")}>
      <Button kind="chip" pressed={!wanted.value.person} onClick={() => lookAt("")}>
        {tell("invented")}
      </Button>
      {people.map(({ id }, n) => (
        <Button key={id} kind="chip" pressed={wanted.value.person === id} onClick={() => lookAt(id)}>
          {people.length === 1 ? tell("you") : tell("you.number", { number: n + 1 })}
        </Button>
      ))}
    </div>
  );
}
