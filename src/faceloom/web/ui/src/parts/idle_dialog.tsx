/** The dialog of an idle kiosk: it asks whether the visitor is still there, and deletes the visit without an answer. */

import { useEffect, useState } from "preact/hooks";
import { booth, visit, wipeVisit } from "../state/booth";
import { translate } from "../words/words";
import { Button } from "./button";
import { useNow } from "./clock";
import { Dialog } from "./dialog";

const ANSWER_MS = 20_000; // time for an answer
const ACTIVITY = ["pointerdown", "keydown", "touchstart", "wheel"] as const;

export function IdleDialog() {
  const [lastActivity, setLastActivity] = useState(Date.now());
  const now = useNow(1000);
  useEffect(() => {
    const onActivity = (): void => setLastActivity(Date.now());
    for (const name of ACTIVITY) addEventListener(name, onActivity, { passive: true });
    return () => {
      for (const name of ACTIVITY) removeEventListener(name, onActivity);
    };
  }, []);
  const state = visit.value?.state;
  useEffect(() => setLastActivity(Date.now()), [state]);
  const watched = booth.value.kiosk && visit.value !== null && state !== "encoding";
  const left = booth.value.idle_seconds * 1000 + ANSWER_MS - (now - lastActivity);
  useEffect(() => {
    if (watched && left <= 0) void wipeVisit();
  }, [watched, left <= 0]);
  if (!watched || left > ANSWER_MS || left <= 0) return null;
  return (
    <Dialog title={translate("idle.title")} onClose={() => setLastActivity(Date.now())}>
      <p role="timer">{translate("idle.more", { seconds: Math.ceil(left / 1000) })}</p>
      <Button kind="next" onClick={() => setLastActivity(Date.now())}>
        {translate("idle.stay")}
      </Button>
    </Dialog>
  );
}
