/** The way out that is on every screen of a visit: everything deleted, after one question. */

import { useSignal } from "@preact/signals";
import { moment, visit, wipe } from "../state/booth";
import { clock, say } from "../words/words";
import { Button } from "./button";
import { useNow } from "./clock";
import { Dialog } from "./dialog";

const SOON_MS = 3 * 60_000;

export function Leave() {
  const asking = useSignal(false);
  const now = useNow(1000);
  const left = visit.value ? moment(visit.value.expires) - now : 0;
  return (
    <>
      <div class="leave">
        {left > 0 && left < SOON_MS && <span class="figures">{clock(left)}</span>}
        <Button kind="quiet" icon="close" onClick={() => (asking.value = true)}>
          {say("leave")}
        </Button>
      </div>
      {asking.value && (
        <Dialog title={say("leave.sure")} onClose={() => (asking.value = false)}>
          <div class="pair">
            <Button onClick={() => (asking.value = false)}>{say("back")}</Button>
            <Button kind="next" icon="bin" onClick={() => void wipe().then(() => (asking.value = false))}>
              {say("delete")}
            </Button>
          </div>
        </Dialog>
      )}
    </>
  );
}
