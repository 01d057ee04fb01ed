/** On the visitor's phone: a photo that goes straight to the booth. */

import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { post, ServerError } from "../api";
import { Button } from "../parts/button";
import { booth, notice } from "../state/booth";
import { photoForm } from "../state/photo";
import { type TextKey, translate } from "../words/words";

type Stage = "ready" | "sending" | "sent" | "gone";

export function Phone({ token }: { token: string }) {
  const stage = useSignal<Stage>("ready");
  const taking = useRef<HTMLInputElement>(null);
  const choosing = useRef<HTMLInputElement>(null);
  const send = async (photo: File | undefined): Promise<void> => {
    if (!photo || stage.value === "sending") return;
    stage.value = "sending";
    notice.value = null;
    try {
      await post(`/phone/${token}/photo`, photoForm(photo));
      stage.value = "sent";
    } catch (error) {
      stage.value = error instanceof ServerError && [404, 410].includes(error.status) ? "gone" : "ready";
      const said = error instanceof ServerError ? error : null;
      if (stage.value === "ready")
        notice.value = { message: said?.message || translate("error"), hint: said?.hint ?? "" };
    }
  };
  const input = (ref: typeof taking, capture: boolean) => (
    <input
      ref={ref}
      class="unseen"
      type="file"
      accept="image/*"
      {...(capture ? { capture: "user" as const } : {})}
      tabIndex={-1}
      aria-hidden="true"
      onChange={(event) => void send(event.currentTarget.files?.[0])}
    />
  );
  const SAID: Partial<Record<Stage, TextKey>> = { sending: "phone.sending", sent: "phone.sent", gone: "phone.gone" };
  const word = SAID[stage.value];
  return (
    <main class="screen phone">
      <div class="page">
        <p class="event">{booth.value.event || "faceloom"}</p>
        <h1>{translate("phone.title")}</h1>
        <p class="lead" role="status">
          {translate(word ?? "phone.more")}
        </p>
        {stage.value === "ready" && (
          <>
            <Button kind="next" icon="camera" onClick={() => taking.current?.click()}>
              {translate("phone.take")}
            </Button>
            <Button icon="upload" onClick={() => choosing.current?.click()}>
              {translate("phone.choose")}
            </Button>
          </>
        )}
        {input(taking, true)}
        {input(choosing, false)}
      </div>
    </main>
  );
}
