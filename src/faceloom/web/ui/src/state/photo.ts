/** From a photo to the server: sent once, and kept in the browser while the server does not answer. */

import { signal } from "@preact/signals";
import { NetworkError, post } from "../api";
import type { Visit } from "../types";
import { online, receive, runAction, visit } from "./booth";
import { deleteUnsentPhoto, loadUnsentPhoto, saveUnsentPhoto } from "./unsent_photo";

/** A photo waits for the server. */
export const photoUnsent = signal(false);

export const photoForm = (photo: Blob): FormData => {
  const form = new FormData();
  form.append("photo", photo, "photo.jpg");
  return form;
};

/** Send the visit's photo, or one of somebody more; true when the server has it. */
export async function sendPhoto(photo: Blob, add = false): Promise<boolean> {
  const id = visit.value?.id ?? "";
  const next = await runAction(async () => {
    try {
      return await post<Visit>(add ? "/visit/photo?add=true" : "/visit/photo", photoForm(photo));
    } catch (error) {
      if (error instanceof NetworkError) {
        photoUnsent.value = true;
        await saveUnsentPhoto({ visit: id, photo });
      }
      throw error;
    }
  });
  if (next) receive(next);
  return next !== undefined;
}

/** Send what could not be sent, once the server is back and the visit still waits for a photo. */
export async function resendPhoto(): Promise<void> {
  const waiting = await loadUnsentPhoto();
  if (!waiting || !online.value) return;
  await deleteUnsentPhoto();
  photoUnsent.value = false;
  if (waiting.visit === visit.value?.id && visit.value.state === "camera") await sendPhoto(waiting.photo);
}
