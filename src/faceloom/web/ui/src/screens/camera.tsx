/** The camera screen: a mirrored video with an oval for the face, a countdown, and the photo for approval. */

import type { RefObject } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { apiUrl, post, ServerError } from "../api";
import { Button } from "../parts/button";
import { useNow } from "../parts/clock";
import { Dialog } from "../parts/dialog";
import { onPress, useKeys } from "../parts/keyboard";
import { booth, busy, notice, showFailure, visit } from "../state/booth";
import {
  type Advice,
  adviseOnFaces,
  type Box,
  type CameraProblem,
  frameToStage,
  openCamera,
  smallFrame,
  takeFrame,
} from "../state/camera";
import { photoUnsent, sendPhoto } from "../state/photo";
import { beep } from "../state/sound";
import { type TextKey, translate } from "../words/words";

const ADVICE_MS = 350; // pause between two checks of the face's position
const DARK_CHECKS = 4; // dark frames in a row before the advice: a camera that opens is dark at first
const APPROVE_MS = 15_000; // time after which a photo is used without an answer

/** Open the camera, and open it again when it is plugged in. Return its problem, if it has one. */
function useCamera(video: RefObject<HTMLVideoElement | null>, running: boolean) {
  const [problem, setProblem] = useState<CameraProblem | null>(null);
  const [ready, setReady] = useState(false);
  const [attempt, setAttempt] = useState(0);
  const retry = useCallback(() => setAttempt((n) => n + 1), []);
  useEffect(() => {
    if (!running) return;
    let stream: MediaStream | null = null;
    let closed = false;
    const close = (): void => {
      for (const track of stream?.getTracks() ?? []) track.stop();
    };
    openCamera().then(
      (opened) => {
        stream = opened;
        if (closed || !video.current) return close();
        setProblem(null);
        video.current.srcObject = opened;
        opened.getVideoTracks()[0]?.addEventListener("ended", retry); // unplugged
      },
      (error: CameraProblem) => !closed && setProblem(error),
    );
    navigator.mediaDevices?.addEventListener("devicechange", retry);
    return () => {
      closed = true;
      setReady(false);
      close();
      navigator.mediaDevices?.removeEventListener("devicechange", retry);
    };
  }, [running, attempt]);
  return { problem, ready, retry, onReady: () => setReady(true) };
}

/** Check the position of the face a few times a second. Without an answer the advice stays. */
function useAdvice(video: RefObject<HTMLVideoElement | null>, watching: boolean): Advice {
  const [advice, setAdvice] = useState<Advice>("oval");
  useEffect(() => {
    if (!watching) return;
    let timer = 0;
    let stopped = false;
    let darkFrames = 0;
    const check = async (): Promise<void> => {
      const source = video.current;
      try {
        if (source?.videoWidth && document.visibilityState === "visible") {
          const next = await adviseOnVideo(source);
          darkFrames = next === "dark" ? darkFrames + 1 : 0;
          setAdvice(next === "dark" && darkFrames < DARK_CHECKS ? "oval" : next);
        }
      } catch {
        // The next check may succeed.
      }
      if (!stopped) timer = window.setTimeout(check, ADVICE_MS);
    };
    void check();
    return () => {
      stopped = true;
      clearTimeout(timer);
    };
  }, [watching]);
  return advice;
}

async function adviseOnVideo(video: HTMLVideoElement): Promise<Advice> {
  const { frame, brightness } = await smallFrame(video);
  const boxes = await detectFaces(frame);
  const stage = { width: video.clientWidth, height: video.clientHeight };
  const size = { width: video.videoWidth, height: video.videoHeight };
  return adviseOnFaces(
    boxes.map((box) => frameToStage(box, size, stage)),
    brightness,
    stage,
  );
}

let detectionAvailable = true; // false after the server has answered that it does not detect faces in frames

/** Return the boxes of the faces in a frame. The server does not store the frame. */
async function detectFaces(frame: Blob): Promise<Box[]> {
  if (!detectionAvailable) return [];
  try {
    return (await post("/visit/detect", { body: frame })).faces.map(({ box }) => box);
  } catch (error) {
    if (error instanceof ServerError && [404, 405].includes(error.status)) detectionAvailable = false;
    return [];
  }
}

interface CameraProps {
  /** Whether the photo adds a person to the visit instead of replacing its people. */
  add?: boolean;
  onBack?: () => void;
}

interface Shot {
  photo: Blob;
  url: string;
  mirrored: boolean;
}

export function Camera({ add = false, onBack }: CameraProps) {
  const video = useRef<HTMLVideoElement>(null);
  const [shot, setShot] = useState<Shot | null>(null);
  const [count, setCount] = useState(0);
  const camera = useCamera(video, !shot);
  const advice = useAdvice(video, camera.ready && !shot && !count);

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
    if (camera.ready && !shot && !count) setCount(Math.max(1, booth.value.countdown));
  };
  useEffect(() => {
    if (!count) return;
    beep(660);
    const timer = setTimeout(async () => {
      if (count > 1) return setCount(count - 1);
      setCount(0);
      beep(1320);
      if (!video.current?.videoWidth) return;
      const photo = await takeFrame(video.current);
      setShot({ photo, url: URL.createObjectURL(photo), mirrored: true });
    }, 1000);
    return () => clearTimeout(timer);
  }, [count]);
  const choose = (photo: File): void => setShot({ photo, url: URL.createObjectURL(photo), mirrored: false });
  useKeys({ " ": onPress(startCountdown), Enter: onPress(startCountdown) });

  if (shot) return <Approve {...shot} add={add} onAgain={discard} />;
  const text: TextKey = camera.ready ? `camera.${advice}` : "camera.waiting";
  return (
    <main class={`screen camera ${advice === "good" && camera.ready ? "good" : ""}`}>
      <h1 class="unseen">{translate("camera.title")}</h1>
      {camera.problem ? (
        <Problem problem={camera.problem} onRetry={camera.retry} />
      ) : (
        <>
          <video
            ref={video}
            class="mirror"
            autoPlay
            muted
            playsInline
            onLoadedData={camera.onReady}
            aria-hidden="true"
          />
          <div class={`oval ${count ? "still" : ""}`} aria-hidden="true" />
          <p class="advice" role="status">
            {count ? "" : translate(text)}
          </p>
          {count > 0 && (
            <p class="count" role="timer" aria-live="assertive" key={count}>
              {count}
            </p>
          )}
        </>
      )}
      <div class="camera-row">
        <FileButton onChoose={choose} />
        {!camera.problem && (
          <button
            type="button"
            class="shutter"
            aria-label={translate("shutter")}
            aria-disabled={!camera.ready}
            onClick={startCountdown}
          />
        )}
        {onBack ? (
          <Button icon="back" onClick={onBack}>
            {translate("back")}
          </Button>
        ) : (
          <PhoneButton />
        )}
      </div>
    </main>
  );
}

function Problem({ problem, onRetry }: { problem: CameraProblem; onRetry: () => void }) {
  return (
    <section class="page trouble" role="alert">
      <h2>{translate(`camera.${problem}`)}</h2>
      <p>{translate(`camera.${problem}.more`)}</p>
      <Button onClick={onRetry}>{translate("camera.again")}</Button>
    </section>
  );
}

function FileButton({ onChoose }: { onChoose: (photo: File) => void }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <Button icon="upload" onClick={() => input.current?.click()}>
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

interface ApproveProps extends Shot {
  add: boolean;
  onAgain: () => void;
}

/** The photo, to be used or taken again. A photo of the camera is used after a while; a chosen file is not. */
function Approve({ photo, url, mirrored, add, onAgain }: ApproveProps) {
  const [until] = useState(Date.now() + APPROVE_MS);
  const [broken, setBroken] = useState(false);
  const left = Math.ceil((until - useNow(250)) / 1000);
  const sent = useRef(false);
  const use = async (): Promise<void> => {
    if (sent.current) return;
    sent.current = true;
    sent.current = (await sendPhoto(photo, add)) || photoUnsent.value;
  };
  useEffect(() => {
    if (mirrored && left <= 0 && !sent.current && !notice.value) void use();
  }, [left]);
  useKeys({ " ": onPress(() => void use()), Enter: onPress(() => void use()), Escape: onPress(onAgain) });
  return (
    <main class="screen camera approve">
      <h1 class="unseen">{translate("use")}</h1>
      {broken ? (
        <p class="advice low">{translate("alt.photo")}</p>
      ) : (
        <img
          class={mirrored ? "mirror" : "chosen"}
          src={url}
          alt={translate("alt.photo")}
          onError={() => setBroken(true)}
        />
      )}
      <div class="flash" aria-hidden="true" />
      <div class="camera-row">
        <Button onClick={onAgain} disabled={busy.value}>
          {translate("again")}
        </Button>
        <Button kind="next" onClick={() => void use()} disabled={busy.value} autofocus>
          {busy.value ? translate("sending") : translate("use")}
        </Button>
      </div>
      <p class="under">{mirrored && left > 0 && !busy.value ? translate("use.auto", { seconds: left }) : ""}</p>
    </main>
  );
}
