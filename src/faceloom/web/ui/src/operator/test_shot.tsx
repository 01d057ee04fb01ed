/** What the camera sees, for whoever sets the booth up. Nothing is sent. */

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { Button } from "../parts/button";
import { openCamera, smallFrame, type Trouble } from "../state/camera";
import { formatNumber, translate } from "../words/words";

export function TestShot() {
  const open = useSignal(false);
  const progressText = useSignal("");
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    if (!open.value) return;
    let stream: MediaStream | null = null;
    openCamera().then(
      (opened) => {
        stream = opened;
        if (video.current) video.current.srcObject = opened;
      },
      (trouble: Trouble) => (progressText.value = translate(`camera.${trouble}`)),
    );
    return () => stream?.getTracks().forEach((track) => track.stop());
  }, [open.value]);
  const look = async (): Promise<void> => {
    const seen = video.current;
    if (!seen?.videoWidth) return;
    const { light } = await smallFrame(seen);
    progressText.value = `${seen.videoWidth} × ${seen.videoHeight}, ${translate("operator.light")} ${formatNumber(light, { style: "percent" })}`;
  };
  return (
    <div class="test-shot">
      <Button icon="camera" expanded={open.value} onClick={() => (open.value = !open.value)}>
        {translate("operator.test")}
      </Button>
      {open.value && (
        <video
          ref={video}
          autoPlay
          muted
          playsInline
          onLoadedData={() => void look()}
          aria-label={translate("operator.camera")}
        />
      )}
      <p role="status">{open.value ? progressText.value : ""}</p>
    </div>
  );
}
