/** All gone, said so; then the first screen again. */

import { useEffect } from "preact/hooks";
import { Button } from "../parts/button";
import { pressed, useKeys } from "../parts/keyboard";
import { wiped } from "../state/booth";
import { say } from "../words/words";

const STAY_MS = 7000;

export function Wiped() {
  const leave = (): void => void (wiped.value = false);
  useEffect(() => {
    const timer = setTimeout(leave, STAY_MS);
    return () => clearTimeout(timer);
  }, []);
  useKeys({ " ": pressed(leave), Enter: pressed(leave) });
  return (
    <main class="screen wiped">
      <div class="page" role="status">
        <h1>{say("wiped.title")}</h1>
        <p class="lead">{say("wiped.more")}</p>
        <Button kind="next" onClick={leave} autofocus>
          {say("wiped.again")}
        </Button>
      </div>
    </main>
  );
}
