/** A test of the camera for the operator: its picture, resolution and brightness. Nothing is sent. */

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { Button } from "../parts/button";
import { type CameraProblem, smallFrame } from "../state/camera";
import { openChosenCamera } from "../state/own_camera";
import { formatNumber, translate } from "../words/words";

export function TestShot() {
  const open = useSignal(false);
  const result = useSignal("");
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    if (!open.value) return;
    let stream: MediaStream | null = null;
    openChosenCamera("/operator/camera/frame").then(
      (opened) => {
        stream = opened;
        if (video.current) video.current.srcObject = opened;
      },
      (problem: CameraProblem) => {
        result.value = translate(`camera.${problem}`);
      },
    );
    return () => {
      for (const track of stream?.getTracks() ?? []) track.stop();
    };
  }, [open.value]);
  const toggle = (): void => {
    open.value = !open.value;
  };
  const measure = async (): Promise<void> => {
    const source = video.current;
    if (!source?.videoWidth) return;
    const { brightness } = await smallFrame(source);
    const percent = formatNumber(brightness, { style: "percent" });
    result.value = `${source.videoWidth} × ${source.videoHeight}, ${translate("operator.light")} ${percent}`;
  };
  return (
    <div class="test-shot">
      <Button icon="camera" expanded={open.value} onClick={toggle}>
        {translate("operator.test")}
      </Button>
      {open.value && (
        <video
          ref={video}
          autoPlay
          muted
          playsInline
          onLoadedData={() => void measure()}
          aria-label={translate("operator.camera")}
        />
      )}
      <p role="status">{open.value ? result.value : ""}</p>
    </div>
  );
}
