/** The first screen: people who do not exist, one button, and what is kept. */

import { useEffect, useState } from "preact/hooks";
import { address, get } from "../api";
import { Button } from "../parts/button";
import { Dialog } from "../parts/dialog";
import { Face } from "../parts/face";
import { pressed, useKeys } from "../parts/keys";
import { go } from "../route";
import { begin, booth, busy } from "../state/booth";
import type { Invented } from "../types";
import { LANGUAGES, language, say, type Language } from "../words/words";

const STAY_MS = 4500;
const SIDE = 1024;

export const samples = async (): Promise<Invented[]> => (await get<{ samples: Invented[] }>("/samples")).samples;

/** One after the other, slowly. */
function Film() {
  const [people, setPeople] = useState<Invented[]>([]);
  const [number, setNumber] = useState(0);
  useEffect(() => {
    samples().then(setPeople, () => undefined);
  }, []);
  useEffect(() => {
    if (people.length < 2) return;
    const timer = setInterval(() => setNumber((n) => (n + 1) % people.length), STAY_MS);
    return () => clearInterval(timer);
  }, [people]);
  const seed = people[number]?.seed;
  const src = seed === undefined ? null : address("/random", { seed, size: SIDE });
  return <Face class="film" src={src} alt={say("alt.invented")} />;
}

export function Languages() {
  const offered = booth.value.languages.filter((code): code is Language => code in LANGUAGES);
  if (offered.length < 2) return null;
  return (
    <nav class="languages" aria-label={say("language")}>
      {offered.map((code) => (
        <button
          type="button"
          key={code}
          lang={code}
          aria-pressed={language.value === code}
          aria-label={LANGUAGES[code].name}
          onClick={() => (language.value = code)}
        >
          {code}
        </button>
      ))}
    </nav>
  );
}

export function Welcome() {
  const [open, setOpen] = useState<"" | "how" | "kept">("");
  const start = (): void => void begin();
  useKeys({ " ": pressed(start), Enter: pressed(start) });
  const minutes = booth.value.retention_minutes;
  return (
    <main class="screen welcome">
      <Film />
      <div class="invitation">
        <p class="event">{booth.value.event || "faceloom"}</p>
        <h1>{say("title")}</h1>
        <p class="lead">{say("subtitle")}</p>
        <Button kind="next" class="start" disabled={busy.value} onClick={start} autofocus>
          {say("start")}
        </Button>
        <Languages />
        <div class="small-links">
          <Button kind="quiet" onClick={() => setOpen("how")}>
            {say("how")}
          </Button>
          <Button kind="quiet" onClick={() => setOpen("kept")}>
            {say("kept")}
          </Button>
          {!booth.value.kiosk && (
            <Button kind="quiet" onClick={() => go("/random")}>
              {say("random.title")}
            </Button>
          )}
          {booth.value.lab && !booth.value.kiosk && (
            <Button kind="quiet" onClick={() => go("/lab")}>
              {say("lab")}
            </Button>
          )}
        </div>
      </div>
      <p class="caption">{say("invented")}</p>
      {open && (
        <Dialog title={say(open)} onClose={() => setOpen("")}>
          {open === "how" ? (
            <ol class="steps">
              {(["how.photo", "how.find", "how.play", "how.local"] as const).map((word) => (
                <li key={word}>{say(word)}</li>
              ))}
            </ol>
          ) : (
            <p>{say("kept.text", { minutes })}</p>
          )}
          <Button onClick={() => setOpen("")}>{say("close")}</Button>
        </Dialog>
      )}
    </main>
  );
}
