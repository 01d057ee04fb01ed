/** Sending a photo to the server. Without an answer the photo is stored in the browser and sent once later. */

import { signal } from "@preact/signals";
import { NetworkError, post, ServerError } from "../api";
import { changeVisit, notice, online, visit } from "./booth";
import { deleteUnsentPhoto, loadUnsentPhoto, saveUnsentPhoto } from "./unsent_photo";

/** Whether a guardian must agree before another photo is taken. */
export const guardianNeeded = signal(false);

/** Record the answer of a minor's parent or guardian. A refusal ends the visit. */
export async function answerGuardian(agreed: boolean): Promise<void> {
  guardianNeeded.value = false;
  await changeVisit(() => post("/visit/guardian", { body: { agreed } }));
}

/** Whether a photo waits for the server. */
export const photoUnsent = signal(false);

export const photoForm = (photo: Blob): FormData => {
  const form = new FormData();
  form.append("photo", photo, "photo.jpg");
  return form;
};

const MAX_SIDE = 4096; // pixels: a face in a larger photo is not encoded better
const LARGE = 6_000_000; // bytes from which a photo is made smaller before it is sent

/** Return a photo that is quick to send: large ones are drawn smaller. One that the browser cannot read is unchanged. */
export async function shrinkPhoto(photo: Blob): Promise<Blob> {
  if (photo.size < LARGE) return photo;
  try {
    const image = await createImageBitmap(photo, { imageOrientation: "from-image" });
    const scale = Math.min(1, MAX_SIDE / Math.max(image.width, image.height));
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [Math.round(image.width * scale), Math.round(image.height * scale)];
    canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
    image.close();
    const smaller = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.9));
    return smaller && smaller.size < photo.size ? smaller : photo;
  } catch {
    return photo; // the server says what is wrong with it
  }
}

/** Send the visit's photo, or with `add` that of one more person. Returns whether the server received it. */
export async function sendPhoto(photo: Blob, add = false): Promise<boolean> {
  const id = visit.value?.id ?? "";
  const isSent = await changeVisit(async () => {
    const smaller = await shrinkPhoto(photo);
    try {
      return await post("/visit/photo", { body: photoForm(smaller), query: add ? { add } : {} });
    } catch (error) {
      if (error instanceof ServerError && error.code === "guardian_needed") guardianNeeded.value = true;
      if (error instanceof NetworkError) {
        photoUnsent.value = true;
        await saveUnsentPhoto({ visit: id, photo });
      }
      throw error;
    }
  });
  if (guardianNeeded.value) notice.value = null; // the dialog says it
  return isSent;
}

/** Send the stored photo once the server answers, if the visit still waits for a photo. */
export async function resendPhoto(): Promise<void> {
  const stored = await loadUnsentPhoto();
  if (!stored || !online.value) return;
  await deleteUnsentPhoto();
  photoUnsent.value = false;
  if (stored.visit === visit.value?.id && visit.value.state === "camera") await sendPhoto(stored.photo);
}
