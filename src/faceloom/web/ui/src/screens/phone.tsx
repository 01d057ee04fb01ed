/** The page on the visitor's phone that sends a photo to the booth. */

import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { post, ServerError } from "../api";
import { Button } from "../parts/button";
import { booth, notice } from "../state/booth";
import { failureText } from "../state/failures";
import { photoForm, shrinkPhoto } from "../state/photo";
import { type TextKey, translate } from "../words/words";

type Stage = "ready" | "sending" | "sent" | "gone";

const STAGE_TEXTS: Record<Stage, TextKey> = {
  ready: "phone.more",
  sending: "phone.sending",
  sent: "phone.sent",
  gone: "phone.gone",
};

export function Phone({ token }: { token: string }) {
  const stage = useSignal<Stage>("ready");
  const cameraInput = useRef<HTMLInputElement>(null);
  const fileInput = useRef<HTMLInputElement>(null);
  const send = async (photo: File | undefined): Promise<void> => {
    if (!photo || stage.value === "sending") return;
    stage.value = "sending";
    notice.value = null;
    try {
      await post("/phone/{token}/photo", { path: { token }, body: photoForm(await shrinkPhoto(photo)) });
      stage.value = "sent";
    } catch (error) {
      const failure = error instanceof ServerError ? error : null;
      stage.value = failure && [404, 410].includes(failure.status) ? "gone" : "ready";
      if (stage.value === "ready") {
        notice.value = { message: failure ? failureText(failure) : translate("error"), hint: "" };
      }
    }
  };
  const input = (ref: typeof cameraInput, capture: boolean) => (
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
  return (
    <main class="screen phone">
      <div class="page">
        <p class="event">{booth.value.event || "faceloom"}</p>
        <h1>{translate("phone.title")}</h1>
        <p class="lead" role="status">
          {translate(STAGE_TEXTS[stage.value])}
        </p>
        {stage.value === "ready" && (
          <>
            <Button kind="next" icon="camera" onClick={() => cameraInput.current?.click()}>
              {translate("phone.take")}
            </Button>
            <Button icon="upload" onClick={() => fileInput.current?.click()}>
              {translate("phone.choose")}
            </Button>
          </>
        )}
        {input(cameraInput, true)}
        {input(fileInput, false)}
      </div>
    </main>
  );
}
