/** The camera: opening it, taking frames, and checking whether a face fits the oval. */

/** Why the camera cannot be used: there is none, or the visitor or the browser denied it. */
export type CameraProblem = "none" | "denied";

/** Open the front camera. Throws a CameraProblem. */
export async function openCamera(): Promise<MediaStream> {
  if (!navigator.mediaDevices?.getUserMedia) throw "none" satisfies CameraProblem; // the page has neither HTTPS nor localhost
  try {
    return await navigator.mediaDevices.getUserMedia({
      audio: false,
      video: { facingMode: "user", width: { ideal: 1920 }, height: { ideal: 1080 } },
    });
  } catch (error) {
    throw ((error as Error).name === "NotAllowedError" ? "denied" : "none") satisfies CameraProblem;
  }
}

/** Draw the current frame so that its longer side has at most `maxSide` pixels. */
function drawFrame(video: HTMLVideoElement, maxSide: number): HTMLCanvasElement {
  const scale = Math.min(1, maxSide / Math.max(video.videoWidth, video.videoHeight));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(video.videoWidth * scale);
  canvas.height = Math.round(video.videoHeight * scale);
  canvas.getContext("2d", { willReadFrequently: true })?.drawImage(video, 0, 0, canvas.width, canvas.height);
  return canvas;
}

const encodeJpeg = (canvas: HTMLCanvasElement, quality: number): Promise<Blob> =>
  new Promise((resolve, reject) =>
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("the frame is empty"))), "image/jpeg", quality),
  );

/** Take a frame as the camera sees it, not mirrored. */
export const takeFrame = (video: HTMLVideoElement): Promise<Blob> => encodeJpeg(drawFrame(video, 1920), 0.93);

/** Take a small frame for the live mirror, not mirrored. */
export const mirrorFrame = (video: HTMLVideoElement): Promise<Blob> => encodeJpeg(drawFrame(video, 320), 0.8);

/** Take a small frame for face detection, and its brightness, 0...1. */
export async function smallFrame(video: HTMLVideoElement): Promise<{ frame: Blob; brightness: number }> {
  const canvas = drawFrame(video, 320);
  const pixels = canvas.getContext("2d")?.getImageData(0, 0, canvas.width, canvas.height).data;
  return { frame: await encodeJpeg(canvas, 0.8), brightness: measureBrightness(pixels ?? new Uint8ClampedArray()) };
}

/** Return the 90th percentile of the luminance of RGBA bytes, 0...1. Dark clothes do not make a room dark. */
export function measureBrightness(rgba: Uint8ClampedArray): number {
  const luminances = new Float32Array(Math.floor(rgba.length / 4));
  for (let i = 0; i < luminances.length; i++) {
    const [r = 0, g = 0, b = 0] = rgba.subarray(4 * i, 4 * i + 3);
    luminances[i] = 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }
  return luminances.length ? (luminances.sort()[Math.floor(0.9 * (luminances.length - 1))] ?? 255) / 255 : 1;
}

export interface Size {
  width: number;
  height: number;
}

/** Left, top, width and height, as fractions of the frame or of the stage. */
export type Box = [number, number, number, number];
/** What to tell the visitor about the position of the face. */
export type Advice = "oval" | "dark" | "far" | "near" | "side" | "two" | "good";

const DARK = 0.25; // brightness below which the room is too dark
const OVAL_HEIGHT = 0.62; // of the stage, as in screens.css
const OVAL_ASPECT = 0.76; // width of the oval by its height

/** Convert a box of the frame to a box of the stage, which the frame covers. */
export function frameToStage([x, y, w, h]: Box, frame: Size, stage: Size): Box {
  const scale = Math.max(stage.width / frame.width, stage.height / frame.height);
  const [scaleX, scaleY] = [(frame.width * scale) / stage.width, (frame.height * scale) / stage.height];
  return [0.5 + (x - 0.5) * scaleX, 0.5 + (y - 0.5) * scaleY, w * scaleX, h * scaleY];
}

/** Return the advice for faces at these boxes of the stage. Faces under half the height of the largest are ignored. */
export function adviseOnFaces(boxes: Box[], brightness: number, stage: Size): Advice {
  if (brightness < DARK) return "dark";
  const largestFirst = [...boxes].sort((a, b) => b[3] - a[3]);
  const first = largestFirst[0];
  if (!first) return "oval";
  const similar = largestFirst.filter((box) => box[3] > first[3] / 2);
  const oval = Math.min(OVAL_HEIGHT, (0.78 * stage.width) / stage.height / OVAL_ASPECT);
  if (first[3] < oval * 0.42) return "far";
  if (similar.length > 1) return "two";
  if (first[3] > oval * 1.1) return "near";
  const [dx, dy] = [first[0] + first[2] / 2 - 0.5, first[1] + first[3] / 2 - 0.48];
  const ovalWidth = (oval * OVAL_ASPECT * stage.height) / stage.width;
  return Math.abs(dx) > ovalWidth * 0.3 || Math.abs(dy) > oval * 0.25 ? "side" : "good";
}
