/** The screen that confirms the deletion of a visit, or says what is not deleted yet, before the first screen returns. */

import { useEffect } from "preact/hooks";
import { Button } from "../parts/button";
import { onPress, useKeys } from "../parts/keyboard";
import { eraseAgain, erasePending, wiped } from "../state/booth";
import { translate } from "../words/words";

const SHOW_MS = 7000;
const RETRY_MS = 4000;

export function Wiped() {
  const close = (): void => {
    wiped.value = false;
  };
  const pending = erasePending.value;
  useEffect(() => {
    const timer = pending ? setInterval(() => void eraseAgain(), RETRY_MS) : setTimeout(close, SHOW_MS);
    return () => clearTimeout(timer); // also ends an interval
  }, [pending]);
  useKeys({ " ": onPress(close), Enter: onPress(close) });
  return (
    <main class="screen wiped">
      <div class="page" role="status">
        <h1>{translate(pending ? "wiped.pending" : "wiped.title")}</h1>
        <p class="lead">{translate(pending ? "wiped.pending.more" : "wiped.more")}</p>
        <Button kind="next" onClick={close} autofocus>
          {translate("wiped.again")}
        </Button>
      </div>
    </main>
  );
}
