/** Pictures that visitors wanted to be shown, one after the other; for a second screen. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { get } from "../api";
import { Face } from "../parts/face";
import { booth } from "../state/booth";
import { translate } from "../words/words";

const STAY_MS = 6000;
const ASK_MS = 30_000;

export function Gallery() {
  const pictures = useSignal<string[]>([]);
  const number = useSignal(0);
  useEffect(() => {
    const ask = (): void => {
      get<{ pictures: { image: string }[] }>("/gallery").then(
        (answer) => (pictures.value = answer.pictures.map(({ image }) => image)),
        () => undefined,
      );
    };
    ask();
    const asking = setInterval(ask, ASK_MS);
    const turning = setInterval(() => number.value++, STAY_MS);
    return () => {
      clearInterval(asking);
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
          <p class="lead">{translate("gallery.empty")}</p>
        )}
      </div>
      <p class="event">{booth.value.event}</p>
    </main>
  );
}
