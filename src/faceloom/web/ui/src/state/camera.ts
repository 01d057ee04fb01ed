/** The camera: opening it, what may be wrong with it, a frame of it, and whether a face sits well in the oval. */

export type Trouble = "none" | "denied";

/** Open the camera for a face in the middle. Throws a Trouble. */
export async function openCamera(): Promise<MediaStream> {
  if (!navigator.mediaDevices?.getUserMedia) throw "none" satisfies Trouble; // a page that did not come by https or from this machine
  try {
    return await navigator.mediaDevices.getUserMedia({
      audio: false,
      video: { facingMode: "user", width: { ideal: 1920 }, height: { ideal: 1080 } },
    });
  } catch (error) {
    throw ((error as Error).name === "NotAllowedError" ? "denied" : "none") satisfies Trouble;
  }
}

function draw(video: HTMLVideoElement, longer: number): HTMLCanvasElement {
  const scale = Math.min(1, longer / Math.max(video.videoWidth, video.videoHeight));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(video.videoWidth * scale);
  canvas.height = Math.round(video.videoHeight * scale);
  canvas.getContext("2d", { willReadFrequently: true })?.drawImage(video, 0, 0, canvas.width, canvas.height);
  return canvas;
}

const jpeg = (canvas: HTMLCanvasElement, quality: number): Promise<Blob> =>
  new Promise((resolve, reject) =>
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("the frame is empty"))), "image/jpeg", quality),
  );

/** Take the frame as the camera sees it, not mirrored. */
export const takeFrame = (video: HTMLVideoElement): Promise<Blob> => jpeg(draw(video, 1920), 0.93);

/** Take a small frame for the guide, and how light it is, 0...1. */
export async function smallFrame(video: HTMLVideoElement): Promise<{ frame: Blob; light: number }> {
  const canvas = draw(video, 320);
  const seen = canvas.getContext("2d")?.getImageData(0, 0, canvas.width, canvas.height).data;
  return { frame: await jpeg(canvas, 0.8), light: brightness(seen ?? new Uint8ClampedArray()) };
}

/** How light the lightest tenth of RGBA bytes is, 0...1: a dark suit does not make a dark room. */
export function brightness(rgba: Uint8ClampedArray): number {
  const seen = new Float32Array(Math.floor(rgba.length / 4));
  for (let i = 0; i < seen.length; i++) {
    const [r = 0, g = 0, b = 0] = rgba.subarray(4 * i, 4 * i + 3);
    seen[i] = 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }
  return seen.length ? (seen.sort()[Math.floor(0.9 * (seen.length - 1))] ?? 255) / 255 : 1;
}

export interface Size {
  width: number;
  height: number;
}

/** x, y, width, height in fractions. */
export type Box = [number, number, number, number];
export type Advice = "oval" | "dark" | "far" | "near" | "side" | "two" | "good";

const DARK = 0.25;
const OVAL = 0.62; // of the stage's height, as in camera.css

/** Where a box of the frame is on a stage that the frame covers: fractions of the stage. */
export function onStage([x, y, w, h]: Box, frame: Size, stage: Size): Box {
  const scale = Math.max(stage.width / frame.width, stage.height / frame.height);
  const [wide, high] = [(frame.width * scale) / stage.width, (frame.height * scale) / stage.height];
  return [0.5 + (x - 0.5) * wide, 0.5 + (y - 0.5) * high, w * wide, h * high];
}

/** Say what to do, from where the faces are on the stage. Only faces that are not far smaller than the largest count. */
export function advise(boxes: Box[], light: number, stage: Size): Advice {
  if (light < DARK) return "dark";
  const large = [...boxes].sort((a, b) => b[3] - a[3]);
  const first = large[0];
  if (!first) return "oval";
  const near = large.filter((box) => box[3] > first[3] / 2);
  const oval = Math.min(OVAL, (0.78 * stage.width) / stage.height / 0.76);
  if (first[3] < oval * 0.42) return "far";
  if (near.length > 1) return "two";
  if (first[3] > oval * 1.1) return "near";
  const [dx, dy] = [first[0] + first[2] / 2 - 0.5, first[1] + first[3] / 2 - 0.48];
  const wide = (oval * 0.76 * stage.height) / stage.width;
  return Math.abs(dx) > wide * 0.3 || Math.abs(dy) > oval * 0.25 ? "side" : "good";
}
