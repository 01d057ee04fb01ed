/** A film, or an animated picture where the server cannot encode video. */

import { useSignal } from "@preact/signals";
import { translate } from "../words/words";

export function Film({ src }: { src: string }) {
  const isPicture = useSignal(false);
  const label = translate("alt.blend");
  if (isPicture.value) return <img src={src} alt={label} />;
  const showAsPicture = (): void => {
    isPicture.value = true;
  };
  return <video src={src} autoPlay muted loop playsInline aria-label={label} onError={showAsPicture} />;
}
