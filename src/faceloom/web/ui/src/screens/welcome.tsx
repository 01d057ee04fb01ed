/** The first screen: a slideshow of generated faces, the start button, and explanations. */

import { useEffect, useState } from "preact/hooks";
import { apiUrl, get } from "../api";
import { Button } from "../parts/button";
import { Dialog } from "../parts/dialog";
import { Face } from "../parts/face";
import { onPress, useKeys } from "../parts/keyboard";
import { go } from "../route";
import { booth, busy, startVisit } from "../state/booth";
import type { Sample } from "../types";
import { isLanguage, LANGUAGES, type Language, language, translate } from "../words/words";

const SHOW_MS = 4500; // time for which a picture of the slideshow is shown
const SIDE = 1024; // pixels

/** Load generated faces for the slideshow and for mixing. */
export const loadSamples = async (): Promise<Sample[]> => (await get("/samples")).samples;

/** Return the addresses of the slideshow: the gallery's pictures if it is requested and not empty, else samples. */
async function slideshowPictures(fromGallery: boolean): Promise<string[]> {
  const pictures = fromGallery ? (await get("/gallery")).pictures : [];
  if (pictures.length) return pictures.map(({ image }) => image);
  return (await loadSamples()).map(({ seed }) => apiUrl("/random", { query: { seed, size: SIDE } }));
}

function Slideshow() {
  const [pictures, setPictures] = useState<string[]>([]);
  const [number, setNumber] = useState(0);
  const fromGallery = booth.value.slideshow && booth.value.gallery;
  useEffect(() => {
    slideshowPictures(fromGallery).then(setPictures, () => undefined);
  }, [fromGallery]);
  useEffect(() => {
    if (pictures.length < 2) return;
    const timer = setInterval(() => setNumber((n) => (n + 1) % pictures.length), SHOW_MS);
    return () => clearInterval(timer);
  }, [pictures]);
  return <Face class="film" src={pictures[number] ?? null} alt={translate("alt.generated")} />;
}

function LanguagePicker() {
  const offered = booth.value.languages.filter(isLanguage);
  if (offered.length < 2) return null;
  const select = (code: Language) => () => {
    language.value = code;
  };
  return (
    <nav class="languages" aria-label={translate("language")}>
      {offered.map((code) => (
        <button
          type="button"
          key={code}
          lang={code}
          aria-pressed={language.value === code}
          title={LANGUAGES[code].name}
          onClick={select(code)}
        >
          {code}
        </button>
      ))}
    </nav>
  );
}

type Explanation = "how" | "kept";

export function Welcome() {
  const [open, setOpen] = useState<Explanation | "">("");
  const start = (): void => void startVisit();
  useKeys({ " ": onPress(start), Enter: onPress(start) });
  return (
    <main class="screen welcome">
      <Slideshow />
      <div class="invitation">
        <p class="event">{booth.value.event || "faceloom"}</p>
        <h1>{translate("title")}</h1>
        <p class="lead">{translate("subtitle")}</p>
        <Button kind="next" class="start" disabled={busy.value} onClick={start} autofocus>
          {translate("start")}
        </Button>
        <LanguagePicker />
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
      <p class="caption">{translate("generated")}</p>
      {open && <ExplanationDialog topic={open} onClose={() => setOpen("")} />}
    </main>
  );
}

function ExplanationDialog({ topic, onClose }: { topic: Explanation; onClose: () => void }) {
  const minutes = booth.value.retention_minutes;
  return (
    <Dialog title={translate(topic)} onClose={onClose}>
      {topic === "how" ? (
        <ol class="steps">
          {(["how.photo", "how.encode", "how.play", "how.local"] as const).map((key) => (
            <li key={key}>{translate(key)}</li>
          ))}
        </ol>
      ) : (
        <p>{translate("kept.text", { minutes })}</p>
      )}
      <Button onClick={onClose}>{translate("close")}</Button>
    </Dialog>
  );
}
