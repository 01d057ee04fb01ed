/** The screen that confirms the deletion of a visit, before the first screen returns. */

import { useEffect } from "preact/hooks";
import { Button } from "../parts/button";
import { onPress, useKeys } from "../parts/keyboard";
import { wiped } from "../state/booth";
import { translate } from "../words/words";

const SHOW_MS = 7000;

export function Wiped() {
  const close = (): void => {
    wiped.value = false;
  };
  useEffect(() => {
    const timer = setTimeout(close, SHOW_MS);
    return () => clearTimeout(timer);
  }, []);
  useKeys({ " ": onPress(close), Enter: onPress(close) });
  return (
    <main class="screen wiped">
      <div class="page" role="status">
        <h1>{translate("wiped.title")}</h1>
        <p class="lead">{translate("wiped.more")}</p>
        <Button kind="next" onClick={close} autofocus>
          {translate("wiped.again")}
        </Button>
      </div>
    </main>
  );
}
