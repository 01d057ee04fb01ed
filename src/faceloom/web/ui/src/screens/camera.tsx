/** The camera screen: a mirrored video with an oval for the face, and a countdown. */

import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { apiUrl } from "../api";
import { Button } from "../parts/button";
import { Dialog } from "../parts/dialog";
import { onPress, useKeys } from "../parts/keyboard";
import { booth, showFailure, visit } from "../state/booth";
import type { CameraProblem } from "../state/camera";
import { useAdvice, useCamera, useCountdown } from "../state/camera_hooks";
import { takePhoto } from "../state/own_camera";
import { type TextKey, translate } from "../words/words";
import { Approve, type Shot } from "./approve";

interface CameraProps {
  /** Whether the photo adds a person to the visit instead of replacing its people. */
  add?: boolean;
  onBack?: () => void;
}

export function Camera({ add = false, onBack }: CameraProps) {
  const video = useRef<HTMLVideoElement>(null);
  const [shot, setShot] = useState<Shot | null>(null);
  const [taking, setTaking] = useState(false); // a DSLR needs a second or two
  const takeShot = async (): Promise<void> => {
    if (!video.current?.videoWidth) return;
    setTaking(true);
    try {
      const photo = await takePhoto(video.current);
      setShot({ photo, url: URL.createObjectURL(photo), mirrored: true });
    } catch {
      showFailure({ code: "camera_failed", message: "" });
    } finally {
      setTaking(false);
    }
  };
  const countdown = useCountdown(takeShot);
  const camera = useCamera(video, !shot);
  const advice = useAdvice(video, camera.ready && !shot && !countdown.count && !taking);

  const discard = (): void => {
    if (shot) URL.revokeObjectURL(shot.url);
    setShot(null);
  };
  const failure = visit.value?.people.find(({ error }) => error)?.error;
  useEffect(() => {
    if (failure) showFailure(failure); // the encoding of the previous photo failed
  }, [failure?.message]);
  useEffect(() => () => void (shot && URL.revokeObjectURL(shot.url)), [shot]);
  const startCountdown = (): void => {
    if (camera.ready && !shot && !countdown.count && !taking) countdown.start(booth.value.countdown);
  };
  const choose = (photo: File): void => setShot({ photo, url: URL.createObjectURL(photo), mirrored: false });
  const shutter = onPress(startCountdown);
  useKeys({ " ": shutter, Enter: shutter, PageDown: shutter, PageUp: shutter }); // a presenter sends the last two

  if (shot) return <Approve {...shot} add={add} onAgain={discard} />;
  const text: TextKey = taking ? "camera.taking" : camera.ready ? `camera.${advice}` : "camera.waiting";
  return (
    <main class={`screen camera ${advice === "good" && camera.ready ? "good" : ""}`}>
      <h1 class="unseen">{translate("camera.title")}</h1>
      {camera.problem ? (
        <Problem problem={camera.problem} onRetry={camera.retry} onChoose={choose} />
      ) : (
        <Viewfinder video={video} onReady={camera.onReady} text={translate(text)} count={countdown.count} />
      )}
      <div class="camera-row">
        {!camera.problem && <FileButton onChoose={choose} />}
        {!camera.problem && (
          <button
            type="button"
            class="shutter"
            aria-label={translate("shutter")}
            aria-disabled={!camera.ready || taking}
            onClick={startCountdown}
          />
        )}
        {onBack ? (
          <Button icon="back" onClick={onBack}>
            {translate("back")}
          </Button>
        ) : (
          !camera.problem && <PhoneButton />
        )}
      </div>
    </main>
  );
}

interface ViewfinderProps {
  video: RefObject<HTMLVideoElement | null>;
  text: string;
  /** The number of the countdown; 0 while none runs. */
  count: number;
  onReady: () => void;
}

/** The mirrored video, the oval for the face, and the advice or the countdown. */
function Viewfinder({ video, text, count, onReady }: ViewfinderProps) {
  return (
    <>
      <video ref={video} class="mirror" autoPlay muted playsInline onLoadedData={onReady} aria-hidden="true" />
      <div class={`oval ${count ? "still" : ""}`} aria-hidden="true" />
      <p class="advice" role="status">
        {count ? "" : text}
      </p>
      {count > 0 && (
        <p class="count" role="timer" aria-live="assertive" key={count}>
          {count}
        </p>
      )}
    </>
  );
}

interface ProblemProps {
  problem: CameraProblem;
  onRetry: () => void;
  onChoose: (photo: File) => void;
}

/** What works without a camera comes first: a photo from the disk or the phone. */
function Problem({ problem, onRetry, onChoose }: ProblemProps) {
  return (
    <section class="page trouble" role="alert">
      <h2>{translate(`camera.${problem}`)}</h2>
      <p>{translate(`camera.${problem}.more`)}</p>
      <div class="trouble-ways">
        <FileButton onChoose={onChoose} kind="next" />
        <PhoneButton />
      </div>
      {problem === "denied" && !booth.value.kiosk && <p class="muted">{translate("camera.denied.browser")}</p>}
      <Button kind="quiet" onClick={onRetry}>
        {translate("camera.again")}
      </Button>
    </section>
  );
}

function FileButton({ onChoose, kind = "plain" }: { onChoose: (photo: File) => void; kind?: "plain" | "next" }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <Button kind={kind} icon="upload" onClick={() => input.current?.click()}>
        {translate("upload")}
      </Button>
      <input
        ref={input}
        class="unseen"
        type="file"
        accept="image/*,.heic,.heif"
        tabIndex={-1}
        aria-hidden="true"
        onChange={(event) => {
          const file = event.currentTarget.files?.[0];
          if (file) onChoose(file);
          event.currentTarget.value = "";
        }}
      />
    </>
  );
}

/** The button that shows a QR code for the visitor's phone; empty where phones do not reach the booth. */
function PhoneButton() {
  const [open, setOpen] = useState(false);
  const url = visit.value?.phone;
  if (!url) return <span />;
  return (
    <>
      <Button icon="phone" onClick={() => setOpen(true)}>
        {translate("phone")}
      </Button>
      {open && (
        <Dialog title={translate("phone")} onClose={() => setOpen(false)} class="code">
          <img class="qr" src={apiUrl("/visit/phone/qr.svg")} alt={translate("alt.qr", { url })} />
          <p>{translate("phone.scan")}</p>
          <p class="muted">{url}</p>
          <Button onClick={() => setOpen(false)}>{translate("close")}</Button>
        </Dialog>
      )}
    </>
  );
}
