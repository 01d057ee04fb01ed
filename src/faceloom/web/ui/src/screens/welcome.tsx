/** The first screen: people who do not exist, one button, and what is kept. */

import { useEffect, useState } from "preact/hooks";
import { apiUrl, get } from "../api";
import { Button } from "../parts/button";
import { Dialog } from "../parts/dialog";
import { Face } from "../parts/face";
import { onPress, useKeys } from "../parts/keyboard";
import { go } from "../route";
import { booth, busy, startVisit } from "../state/booth";
import type { GeneratedFace } from "../types";
import { LANGUAGES, type Language, language, translate } from "../words/words";

const STAY_MS = 4500;
const SIDE = 1024;

export const samples = async (): Promise<GeneratedFace[]> =>
  (await get<{ samples: GeneratedFace[] }>("/samples")).samples;

/** What the first screen shows: the gallery where the operator wants that and there is one, or invented people. */
async function pictures(gallery: boolean): Promise<string[]> {
  const left = gallery ? (await get<{ pictures: { image: string }[] }>("/gallery")).pictures : [];
  if (left.length) return left.map(({ image }) => image);
  return (await samples()).map(({ seed }) => apiUrl("/random", { seed, size: SIDE }));
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
  return <Face class="film" src={people[number] ?? null} alt={translate("alt.invented")} />;
}

export function Languages() {
  const offered = booth.value.languages.filter((code): code is Language => code in LANGUAGES);
  if (offered.length < 2) return null;
  return (
    <nav class="languages" aria-label={translate("language")}>
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
  const start = (): void => void startVisit();
  useKeys({ " ": onPress(start), Enter: onPress(start) });
  const minutes = booth.value.retention_minutes;
  return (
    <main class="screen welcome">
      <Film />
      <div class="invitation">
        <p class="event">{booth.value.event || "faceloom"}</p>
        <h1>{translate("title")}</h1>
        <p class="lead">{translate("subtitle")}</p>
        <Button kind="next" class="start" disabled={busy.value} onClick={start} autofocus>
          {translate("start")}
        </Button>
        <Languages />
        <div class="small-links">
          <Button kind="quiet" onClick={() => setOpen("how")}>
            {translate("how")}
          </Button>
          <Button kind="quiet" onClick={() => setOpen("kept")}>
            {translate("kept")}
          </Button>
          {!booth.value.kiosk && (
            <Button kind="quiet" onClick={() => go("/random")}>
              {translate("random.title")}
            </Button>
          )}
          {booth.value.lab && !booth.value.kiosk && (
            <Button kind="quiet" onClick={() => go("/lab")}>
              {translate("lab")}
            </Button>
          )}
        </div>
      </div>
      <p class="caption">{translate("invented")}</p>
      {open && (
        <Dialog title={translate(open)} onClose={() => setOpen("")}>
          {open === "how" ? (
            <ol class="steps">
              {(["how.photo", "how.find", "how.play", "how.local"] as const).map((word) => (
                <li key={word}>{translate(word)}</li>
              ))}
            </ol>
          ) : (
            <p>{translate("kept.text", { minutes })}</p>
          )}
          <Button onClick={() => setOpen("")}>{translate("close")}</Button>
        </Dialog>
      )}
    </main>
  );
}
