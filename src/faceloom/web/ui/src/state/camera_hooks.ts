/** Hooks of the camera screen: the camera itself, advice on the position of the face, and the countdown. */

import type { RefObject } from "preact";
import { useCallback, useEffect, useState } from "preact/hooks";
import { post, ServerError } from "../api";
import { type Advice, adviseOnFaces, type Box, type CameraProblem, frameToStage, smallFrame } from "./camera";
import { openChosenCamera } from "./own_camera";
import { beep } from "./sound";

const ADVICE_MS = 350; // pause between two checks of the face's position
const DARK_CHECKS = 4; // dark frames in a row before the advice: a camera that opens is dark at first
const COUNT_HERTZ = 660;
const SHUTTER_HERTZ = 1320;

/** Open the camera, and open it again when it is plugged in. Return its problem, if it has one. */
export function useCamera(video: RefObject<HTMLVideoElement | null>, running: boolean) {
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
    openChosenCamera().then(
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
export function useAdvice(video: RefObject<HTMLVideoElement | null>, watching: boolean): Advice {
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

/** Count down once a second with a tone, and call `onEnd` at the end. Returns the number to show, and the start. */
export function useCountdown(onEnd: () => Promise<void>) {
  const [count, setCount] = useState(0); // 0: no countdown runs
  useEffect(() => {
    if (!count) return;
    beep(COUNT_HERTZ);
    const timer = setTimeout(() => {
      setCount(count - 1);
      if (count > 1) return;
      beep(SHUTTER_HERTZ);
      void onEnd();
    }, 1000);
    return () => clearTimeout(timer);
  }, [count]);
  return { count, start: (seconds: number) => setCount(Math.max(1, seconds)) };
}
