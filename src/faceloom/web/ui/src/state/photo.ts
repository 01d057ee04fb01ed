/** From a photo to the server: sent once, and kept in the browser while the server does not answer. */

import { signal } from "@preact/signals";
import { post, Unreachable } from "../api";
import type { Visit } from "../types";
import { act, online, receive, visit } from "./booth";
import { dropPhoto, keepPhoto, keptPhoto } from "./unsent_photo";

/** A photo waits for the server. */
export const unsent = signal(false);

export const photoForm = (photo: Blob): FormData => {
  const form = new FormData();
  form.append("photo", photo, "photo.jpg");
  return form;
};

/** Send the visit's photo, or one of somebody more; true when the server has it. */
export async function sendPhoto(photo: Blob, add = false): Promise<boolean> {
  const id = visit.value?.id ?? "";
  const next = await act(async () => {
    try {
      return await post<Visit>(add ? "/visit/photo?add=true" : "/visit/photo", photoForm(photo));
    } catch (error) {
      if (error instanceof Unreachable) {
        unsent.value = true;
        await keepPhoto({ visit: id, photo });
      }
      throw error;
    }
  });
  if (next) receive(next);
  return next !== undefined;
}

/** Send what could not be sent, once the server is back and the visit still waits for a photo. */
export async function sendKept(): Promise<void> {
  const waiting = await keptPhoto();
  if (!waiting || !online.value) return;
  await dropPhoto();
  unsent.value = false;
  if (waiting.visit === visit.value?.id && visit.value.state === "camera") await sendPhoto(waiting.photo);
}
