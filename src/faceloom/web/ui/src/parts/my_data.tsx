/** The visitor's own data: a link that saves it, or on a shared screen a code that leads the visitor's phone to it. */

import { useSignal } from "@preact/signals";
import { apiUrl, post } from "../api";
import { booth, busy, parseTime, runAction } from "../state/booth";
import type { ExportCode } from "../types";
import { formatTime, translate } from "../words/words";
import { Button } from "./button";
import { Dialog } from "./dialog";
import { Icon } from "./icon";

export function MyDataButton() {
  const code = useSignal<ExportCode | null>(null);
  if (!booth.value.kiosk) {
    return (
      <a class="button plain" href={apiUrl("/visit/export")} download>
        <Icon name="save" />
        <span>{translate("finish.data")}</span>
      </a>
    );
  }
  const open = async (): Promise<void> => {
    code.value = (await runAction(() => post("/visit/export/code"))) ?? null;
  };
  const close = (): void => {
    code.value = null;
  };
  return (
    <>
      <Button icon="save" disabled={busy.value} onClick={() => void open()}>
        {translate("finish.data")}
      </Button>
      {code.value && <CodeDialog code={code.value} onClose={close} />}
    </>
  );
}

/** The QR code for a phone, or the address that only the machine of the booth reaches. */
function CodeDialog({ code, onClose }: { code: ExportCode; onClose: () => void }) {
  return (
    <Dialog title={translate("finish.data")} onClose={onClose} class="code">
      {code.reachable ? (
        <>
          <img class="qr" src={code.qr} alt={translate("alt.qr", { url: code.page })} />
          <p>{translate("data.scan")}</p>
        </>
      ) : (
        <>
          <p>{translate("data.screen")}</p>
          <p>{translate("data.ask")}</p>
          <p class="address">{code.page}</p>
        </>
      )}
      <p class="muted">{translate("data.until", { time: formatTime(parseTime(code.expires)) })}</p>
      <Button kind="next" onClick={onClose}>
        {translate("close")}
      </Button>
    </Dialog>
  );
}
