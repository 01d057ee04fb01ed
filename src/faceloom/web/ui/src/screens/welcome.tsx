/** The first screen: people who do not exist, one button, and what is kept. */

import { useEffect, useState } from "preact/hooks";
import { get } from "../api";
import { Button } from "../parts/button";
import { Dialog } from "../parts/dialog";
import { Face } from "../parts/face";
import { pressed, useKeys } from "../parts/keys";
import { go } from "../route";
import { begin, booth, busy } from "../state/booth";
import type { Sample } from "../types";
import { LANGUAGES, language, say, type Language } from "../words/words";

const STAY_MS = 4500;

export async function samples(): Promise<Sample[]> {
  const answer = await get<{ people: Sample[] } | Sample[]>("/samples");
  return Array.isArray(answer) ? answer : answer.people;
}

/** One after the other, slowly; with a film of the operator's or the server's, that. */
function Film() {
  const [people, setPeople] = useState<Sample[]>([]);
  const [number, setNumber] = useState(0);
  useEffect(() => {
    samples().then(setPeople, () => undefined);
  }, []);
  useEffect(() => {
    if (people.length < 2) return;
    const timer = setInterval(() => setNumber((n) => (n + 1) % people.length), STAY_MS);
    return () => clearInterval(timer);
  }, [people]);
  const film = booth.value.film;
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (film && !still) return <video class="film" src={film} autoPlay muted loop playsInline aria-hidden="true" />;
  return <Face class="film" src={people[number]?.image ?? null} alt={say("alt.invented")} />;
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
