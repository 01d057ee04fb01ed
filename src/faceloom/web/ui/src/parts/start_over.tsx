/** The way out that is on every screen of a visit: everything deleted, after one question. */

import { useSignal } from "@preact/signals";
import { parseTime, visit, wipeVisit } from "../state/booth";
import { formatCountdown, translate } from "../words/words";
import { Button } from "./button";
import { useNow } from "./clock";
import { Dialog } from "./dialog";

const SOON_MS = 3 * 60_000;

export function StartOver() {
  const asking = useSignal(false);
  const now = useNow(1000);
  const left = visit.value ? parseTime(visit.value.expires) - now : 0;
  return (
    <>
      <div class="leave">
        {left > 0 && left < SOON_MS && <span class="figures">{formatCountdown(left)}</span>}
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
