/** The camera of this screen: the browser's, or the booth's own, whose frames become a stream like the browser's. */

import { apiUrl, fetchPicture, postForPicture } from "../api";
import { booth } from "./booth";
import { type CameraProblem, openCamera, takeFrame } from "./camera";

/** The addresses of the booth's live view: for a visit after its consent, and for the operator. */
type View = "/visit/camera/frame" | "/operator/camera/frame";

const MAX_FAILURES = 3; // failures in a row after which the camera counts as unplugged
const RETRY_MS = 500;

/** Open the camera that the operator chose. Throws a CameraProblem. */
export const openChosenCamera = (view: View = "/visit/camera/frame"): Promise<MediaStream> =>
  booth.value.camera === "browser" ? openCamera() : openOwnCamera(view);

/** Take a photo with the camera that the operator chose; `video` shows its live view. */
export const takePhoto = (video: HTMLVideoElement): Promise<Blob> =>
  booth.value.camera === "browser" ? takeFrame(video) : postForPicture("/visit/camera/photo");

async function openOwnCamera(view: View): Promise<MediaStream> {
  const canvas = document.createElement("canvas");
  try {
    await drawNext(canvas, view);
  } catch {
    throw "none" satisfies CameraProblem;
  }
  const stream = canvas.captureStream();
  void follow(canvas, view, stream.getVideoTracks()[0] as MediaStreamTrack);
  return stream;
}

/** Draw one frame after the other until the track is stopped. A camera that fails ends the track, as an unplugged one. */
async function follow(canvas: HTMLCanvasElement, view: View, track: MediaStreamTrack): Promise<void> {
  let failures = 0;
  while (track.readyState === "live" && failures < MAX_FAILURES) {
    try {
      await drawNext(canvas, view);
      failures = 0;
    } catch {
      failures += 1;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
  if (track.readyState !== "live") return;
  track.stop();
  track.dispatchEvent(new Event("ended")); // `stop` alone does not send it
}

async function drawNext(canvas: HTMLCanvasElement, view: View): Promise<void> {
  const frame = await createImageBitmap(await fetchPicture(apiUrl(view)));
  if (canvas.width !== frame.width) canvas.width = frame.width;
  if (canvas.height !== frame.height) canvas.height = frame.height;
  canvas.getContext("2d")?.drawImage(frame, 0, 0);
  frame.close();
}
