/** The gallery for a second screen: pictures that visitors agreed to show, one after the other. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { get } from "../api";
import { Button } from "../parts/button";
import { Face } from "../parts/face";
import { go } from "../route";
import { booth } from "../state/booth";
import { translate } from "../words/words";

const SHOW_MS = 6000; // time for which a picture is shown
const POLL_MS = 30_000;

export function Gallery() {
  const pictures = useSignal<string[]>([]);
  const number = useSignal(0);
  useEffect(() => {
    const update = (): void => {
      get("/gallery").then(
        (answer) => {
          pictures.value = answer.pictures.map(({ image }) => image);
        },
        () => undefined,
      );
    };
    update();
    const polling = setInterval(update, POLL_MS);
    const turning = setInterval(() => {
      number.value++;
    }, SHOW_MS);
    return () => {
      clearInterval(polling);
      clearInterval(turning);
    };
  }, []);
  const shown = pictures.value[number.value % Math.max(1, pictures.value.length)];
  return (
    <main class="screen gallery">
      <h1 class="unseen">{booth.value.event || "faceloom"}</h1>
      <div class="stage">
        {shown ? (
          <Face src={shown} alt={translate("alt.likeness")} />
        ) : (
          <div class="page">
            <p class="lead">{translate("gallery.empty")}</p>
            {!booth.value.kiosk && (
              <Button icon="back" onClick={() => go("/")}>
                {translate("home")}
              </Button>
            )}
          </div>
        )}
      </div>
      <p class="event">{booth.value.event}</p>
    </main>
  );
}
