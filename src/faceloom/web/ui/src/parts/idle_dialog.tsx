/** Nobody touches the kiosk any more: ask, then wipe. */

import { useEffect, useState } from "preact/hooks";
import { booth, visit, wipeVisit } from "../state/booth";
import { translate } from "../words/words";
import { Button } from "./button";
import { useNow } from "./clock";
import { Dialog } from "./dialog";

const ASK_MS = 20_000;
const SIGNS = ["pointerdown", "keydown", "touchstart", "wheel"] as const;

export function IdleDialog() {
  const [last, setLast] = useState(Date.now());
  const now = useNow(1000);
  useEffect(() => {
    const alive = (): void => setLast(Date.now());
    SIGNS.forEach((sign) => addEventListener(sign, alive, { passive: true }));
    return () => SIGNS.forEach((sign) => removeEventListener(sign, alive));
  }, []);
  const state = visit.value?.state;
  useEffect(() => setLast(Date.now()), [state]);
  const watched = booth.value.kiosk && visit.value !== null && state !== "encoding";
  const left = booth.value.idle_seconds * 1000 + ASK_MS - (now - last);
  useEffect(() => {
    if (watched && left <= 0) void wipeVisit();
  }, [watched, left <= 0]);
  if (!watched || left > ASK_MS || left <= 0) return null;
  return (
    <Dialog title={translate("idle.title")} onClose={() => setLast(Date.now())}>
      <p role="timer">{translate("idle.more", { seconds: Math.ceil(left / 1000) })}</p>
      <Button kind="next" onClick={() => setLast(Date.now())}>
        {translate("idle.stay")}
      </Button>
    </Dialog>
  );
}
