/** The button on every screen of a visit that deletes the visit, after a confirmation. It also shows the last minutes. */

import { useSignal } from "@preact/signals";
import { parseTime, visit, wipeVisit } from "../state/booth";
import { formatCountdown, translate } from "../words/words";
import { Button } from "./button";
import { useNow } from "./clock";
import { Dialog } from "./dialog";

const SHOW_TIME_MS = 3 * 60_000; // remaining time from which it is shown

export function StartOver() {
  const asking = useSignal(false);
  const now = useNow(1000);
  const left = visit.value ? parseTime(visit.value.expires) - now : 0;
  return (
    <>
      <div class="leave">
        {left > 0 && left < SHOW_TIME_MS && <span class="figures">{formatCountdown(left)}</span>}
        <Button kind="quiet" icon="close" onClick={() => (asking.value = true)}>
          {translate("leave")}
        </Button>
      </div>
      {asking.value && (
        <Dialog title={translate("leave.sure")} onClose={() => (asking.value = false)}>
          <div class="pair">
            <Button onClick={() => (asking.value = false)}>{translate("back")}</Button>
            <Button kind="next" icon="bin" onClick={() => void wipeVisit().then(() => (asking.value = false))}>
              {translate("delete")}
            </Button>
          </div>
        </Dialog>
      )}
    </>
  );
}
