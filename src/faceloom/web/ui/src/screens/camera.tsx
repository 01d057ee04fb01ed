/** The mirror, an oval that turns coral when a face sits well, 3-2-1, and a look at the photo before it is used. */

import type { RefObject } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { post, ServerError } from "../api";
import { Button } from "../parts/button";
import { useNow } from "../parts/clock";
import { Dialog } from "../parts/dialog";
import { onPress, useKeys } from "../parts/keyboard";
import { booth, busy, notice, visit } from "../state/booth";
import {
  type Advice,
  advise,
  type Box,
  onStage,
  openCamera,
  smallFrame,
  type Trouble,
  takeFrame,
} from "../state/camera";
import { photoUnsent, sendPhoto } from "../state/photo";
import { beep } from "../state/sound";
import { type TextKey, translate } from "../words/words";

const LOOK_MS = 350;
const DIM_LOOKS = 4; // a camera that opens is dark at first
const APPROVE_MS = 15_000;

/** Open the camera, and again when it comes back; say what is wrong with it. */
function useCamera(video: RefObject<HTMLVideoElement | null>, running: boolean) {
  const [trouble, setTrouble] = useState<Trouble | null>(null);
  const [ready, setReady] = useState(false);
  const [attempt, setAttempt] = useState(0);
  const again = useCallback(() => setAttempt((n) => n + 1), []);
  useEffect(() => {
    if (!running) return;
    let stream: MediaStream | null = null;
    let left = false;
    const close = (): void => stream?.getTracks().forEach((track) => track.stop());
    openCamera().then(
      (opened) => {
        stream = opened;
        if (left || !video.current) return close();
        setTrouble(null);
        video.current.srcObject = opened;
        opened.getVideoTracks()[0]?.addEventListener("ended", again); // unplugged
      },
      (wrong: Trouble) => !left && setTrouble(wrong),
    );
    navigator.mediaDevices?.addEventListener("devicechange", again);
    return () => {
      left = true;
      setReady(false);
      close();
      navigator.mediaDevices?.removeEventListener("devicechange", again);
    };
  }, [running, attempt]);
  return { trouble, ready, again, onReady: () => setReady(true) };
}

/** Ask the server a few times a second whether the face sits well; without an answer the oval stays as it is. */
function useAdvice(video: RefObject<HTMLVideoElement | null>, watching: boolean): Advice {
  const [advice, setAdvice] = useState<Advice>("oval");
  useEffect(() => {
    if (!watching) return;
    let timer = 0;
    let left = false;
    let dim = 0;
    const look = async (): Promise<void> => {
      const seen = video.current;
      try {
        if (seen?.videoWidth && document.visibilityState === "visible") {
          const next = await adviceOn(seen);
          dim = next === "dark" ? dim + 1 : 0;
          setAdvice(next === "dark" && dim < DIM_LOOKS ? "oval" : next);
        }
      } catch {
        // the next look may go better
      }
      if (!left) timer = window.setTimeout(look, LOOK_MS);
    };
    void look();
    return () => {
      left = true;
      clearTimeout(timer);
    };
  }, [watching]);
  return advice;
}

async function adviceOn(video: HTMLVideoElement): Promise<Advice> {
  const { frame, light } = await smallFrame(video);
  const faces = await facesIn(frame);
  const stage = { width: video.clientWidth, height: video.clientHeight };
  const size = { width: video.videoWidth, height: video.videoHeight };
  const boxes = faces.map(({ box }) => onStage(box, size, stage));
  return advise(boxes, light, stage);
}

interface CameraProps {
  /** For one more person: those who are there stay. */
  add?: boolean;
  onBack?: () => void;
}

let looks = true; // until the server says that it does not look at frames

/** The faces in a small frame, as far as the server looks. Nothing of it is kept. */
async function facesIn(frame: Blob): Promise<{ box: Box }[]> {
  if (!looks) return [];
  try {
    return (await post<{ faces: { box: Box }[] }>("/visit/look", frame)).faces;
  } catch (error) {
    if (error instanceof ServerError && [404, 405].includes(error.status)) looks = false;
    return [];
  }
}

export function Camera({ add = false, onBack }: CameraProps) {
  const video = useRef<HTMLVideoElement>(null);
  const [shot, setShot] = useState<{ photo: Blob; address: string; mirrored: boolean } | null>(null);
  const [count, setCount] = useState(0);
  const [phone, setPhone] = useState(false);
  const camera = useCamera(video, !shot);
  const advice = useAdvice(video, camera.ready && !shot && !count);

  const forget = (): void => {
    if (shot) URL.revokeObjectURL(shot.address);
    setShot(null);
  };
  const failed = visit.value?.people.find(({ error }) => error)?.error;
  useEffect(() => {
    if (failed) notice.value = failed; // the search of the last photo ended without a face
  }, [failed?.message]);
  useEffect(() => () => void (shot && URL.revokeObjectURL(shot.address)), [shot]);
  const shutter = (): void => {
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
      setShot({ photo, address: URL.createObjectURL(photo), mirrored: true });
    }, 1000);
    return () => clearTimeout(timer);
  }, [count]);
  const choose = (photo: File): void => setShot({ photo, address: URL.createObjectURL(photo), mirrored: false });
  useKeys({ " ": onPress(shutter), Enter: onPress(shutter) });

  if (shot) return <Approve {...shot} add={add} onAgain={forget} />;
  const word: TextKey = camera.ready ? `camera.${advice}` : "camera.waiting";
  return (
    <main class={`screen camera ${advice === "good" && camera.ready ? "good" : ""}`}>
      <h1 class="unseen">{translate("camera.title")}</h1>
      {!camera.trouble && (
        <video ref={video} class="mirror" autoPlay muted playsInline onLoadedData={camera.onReady} aria-hidden="true" />
      )}
      {camera.trouble ? (
        <section class="page trouble" role="alert">
          <h2>{translate(`camera.${camera.trouble}`)}</h2>
          <p>{translate(`camera.${camera.trouble}.more`)}</p>
          <Button onClick={camera.again}>{translate("camera.again")}</Button>
        </section>
      ) : (
        <>
          <div class={`oval ${count ? "still" : ""}`} aria-hidden="true" />
          <p class="advice" role="status">
            {count ? "" : translate(word)}
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
        {!camera.trouble && (
          <button
            type="button"
            class="shutter"
            aria-label={translate("shutter")}
            aria-disabled={!camera.ready}
            onClick={shutter}
          />
        )}
        {onBack ? (
          <Button icon="back" onClick={onBack}>
            {translate("back")}
          </Button>
        ) : visit.value?.phone ? (
          <Button icon="phone" onClick={() => setPhone(true)}>
            {translate("phone")}
          </Button>
        ) : (
          <span />
        )}
      </div>
      {phone && <PhoneCode onClose={() => setPhone(false)} />}
    </main>
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

function PhoneCode({ onClose }: { onClose: () => void }) {
  const link = visit.value?.phone;
  return (
    <Dialog title={translate("phone")} onClose={onClose} class="code">
      <img class="qr" src="/api/v1/visit/phone/qr.svg" alt={translate("alt.qr", { url: link ?? "" })} />
      <p>{translate("phone.scan")}</p>
      <p class="muted">{link}</p>
      <Button onClick={onClose}>{translate("close")}</Button>
    </Dialog>
  );
}

interface ApproveProps {
  photo: Blob;
  address: string;
  mirrored: boolean;
  add: boolean;
  onAgain: () => void;
}

/** The photo, to be used or taken again; used by itself after a while, as booths do. A chosen file waits for a word. */
function Approve({ photo, address, mirrored, add, onAgain }: ApproveProps) {
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
          src={address}
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
