/** All gone, said so; then the first screen again. */

import { useEffect } from "preact/hooks";
import { Button } from "../parts/button";
import { onPress, useKeys } from "../parts/keyboard";
import { wiped } from "../state/booth";
import { translate } from "../words/words";

const STAY_MS = 7000;

export function Wiped() {
  const leave = (): void => void (wiped.value = false);
  useEffect(() => {
    const timer = setTimeout(leave, STAY_MS);
    return () => clearTimeout(timer);
  }, []);
  useKeys({ " ": onPress(leave), Enter: onPress(leave) });
  return (
    <main class="screen wiped">
      <div class="page" role="status">
        <h1>{translate("wiped.title")}</h1>
        <p class="lead">{translate("wiped.more")}</p>
        <Button kind="next" onClick={leave} autofocus>
          {translate("wiped.again")}
        </Button>
      </div>
    </main>
  );
}
