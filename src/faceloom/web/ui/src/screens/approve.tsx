/** The photo for approval, after the camera took it or the visitor chose a file. */

import { useEffect, useRef, useState } from "preact/hooks";
import { Button } from "../parts/button";
import { useNow } from "../parts/clock";
import { onPress, useKeys } from "../parts/keyboard";
import { busy, notice } from "../state/booth";
import { photoUnsent, sendPhoto } from "../state/photo";
import { translate } from "../words/words";

const APPROVE_MS = 15_000; // time after which a photo is used without an answer

/** A photo, its object URL, and whether it is shown mirrored, as the camera's picture is. */
export interface Shot {
  photo: Blob;
  url: string;
  mirrored: boolean;
}

interface ApproveProps extends Shot {
  add: boolean;
  onAgain: () => void;
}

/** The photo, to be used or taken again. A photo of the camera is used after a while; a chosen file is not. */
export function Approve({ photo, url, mirrored, add, onAgain }: ApproveProps) {
  const [until] = useState(Date.now() + APPROVE_MS);
  const [broken, setBroken] = useState(false);
  const left = Math.ceil((until - useNow(250)) / 1000);
  const sent = useRef(false);
  const use = async (): Promise<void> => {
    if (sent.current) return;
    sent.current = true;
    sent.current = (await sendPhoto(photo, add)) || photoUnsent.value;
  };
  useEffect(() => {
    if (mirrored && left <= 0 && !sent.current && !notice.value) void use();
  }, [left]);
  const useIt = onPress(() => void use());
  useKeys({ " ": useIt, Enter: useIt, PageDown: useIt, Escape: onPress(onAgain), PageUp: onPress(onAgain) });
  return (
    <main class="screen camera approve">
      <h1 class="unseen">{translate("use")}</h1>
      {broken ? (
        <p class="advice low">{translate("alt.photo")}</p>
      ) : (
        <img
          class={mirrored ? "mirror" : "chosen"}
          src={url}
          alt={translate("alt.photo")}
          onError={() => setBroken(true)}
        />
      )}
      <div class="flash" aria-hidden="true" />
      <div class="camera-row">
        <Button onClick={onAgain} disabled={busy.value}>
          {translate("again")}
        </Button>
        <Button kind="next" onClick={() => void use()} disabled={busy.value} autofocus>
          {busy.value ? translate("sending") : translate("use")}
        </Button>
      </div>
      <p class="under">{mirrored && left > 0 && !busy.value ? translate("use.auto", { seconds: left }) : ""}</p>
    </main>
  );
}
