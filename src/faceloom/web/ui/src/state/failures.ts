/** Errors of the server as sentences for visitors, in their language. */

import type { Failure } from "../types";
import { isTextKey, translate } from "../words/words";

/** Return the sentence for an error: by its code, or else the server's own words as sentences. */
export function failureText({ code, message, hint }: Pick<Failure, "code" | "message"> & { hint?: string }): string {
  const key = `error.${code}`;
  if (isTextKey(key)) return translate(key);
  return (
    [message, hint]
      .map((text) => sentence(text ?? ""))
      .filter(Boolean)
      .join(" ") || translate("error")
  );
}

/** Return a text with a capital letter at its start and a full stop at its end. */
export function sentence(text: string): string {
  const trimmed = text.trim();
  if (!trimmed) return "";
  return trimmed.charAt(0).toUpperCase() + trimmed.slice(1) + (/[.!?]$/.test(trimmed) ? "" : ".");
}
