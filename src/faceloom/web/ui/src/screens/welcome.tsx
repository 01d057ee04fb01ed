/** The first screen: people who do not exist, one button, and what is kept. */

import { useEffect, useState } from "preact/hooks";
import { address, get } from "../api";
import { Button } from "../parts/button";
import { Dialog } from "../parts/dialog";
import { Face } from "../parts/face";
import { pressed, useKeys } from "../parts/keyboard";
import { go } from "../route";
import { begin, booth, busy } from "../state/booth";
import type { Invented } from "../types";
import { LANGUAGES, type Language, language, say } from "../words/words";

const STAY_MS = 4500;
const SIDE = 1024;

export const samples = async (): Promise<Invented[]> => (await get<{ samples: Invented[] }>("/samples")).samples;

/** What the first screen shows: the gallery where the operator wants that and there is one, or invented people. */
async function pictures(gallery: boolean): Promise<string[]> {
  const left = gallery ? (await get<{ pictures: { image: string }[] }>("/gallery")).pictures : [];
  if (left.length) return left.map(({ image }) => image);
  return (await samples()).map(({ seed }) => address("/random", { seed, size: SIDE }));
}

/** One after the other, slowly. */
function Film() {
  const [people, setPeople] = useState<string[]>([]);
  const [number, setNumber] = useState(0);
  const gallery = booth.value.slideshow && booth.value.gallery;
  useEffect(() => {
    pictures(gallery).then(setPeople, () => undefined);
  }, [gallery]);
  useEffect(() => {
    if (people.length < 2) return;
    const timer = setInterval(() => setNumber((n) => (n + 1) % people.length), STAY_MS);
    return () => clearInterval(timer);
  }, [people]);
  return <Face class="film" src={people[number] ?? null} alt={say("alt.invented")} />;
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
          title={LANGUAGES[code].name}
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
