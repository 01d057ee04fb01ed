/** The page on the visitor's phone that saves the visitor's own data. The code is in the QR code of the booth. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { get, ServerError } from "../api";
import { Icon } from "../parts/icon";
import { booth, load, parseTime } from "../state/booth";
import type { Export } from "../types";
import { formatTime, translate } from "../words/words";

export function MyData({ code }: { code: string }) {
  const found = useSignal<Export | null>(null);
  const gone = useSignal(false);
  useEffect(() => {
    void load(async () => {
      try {
        found.value = await get("/exports/{code}", { path: { code } });
      } catch (error) {
        if (!(error instanceof ServerError && error.status === 404)) throw error;
        gone.value = true;
      }
    });
  }, [code]);
  return (
    <main class="screen phone">
      <div class="page">
        <p class="event">{booth.value.event || "faceloom"}</p>
        <h1>{translate("data.title")}</h1>
        <p class="lead" role="status">
          {translate(gone.value ? "data.gone" : "data.more")}
        </p>
        {found.value && (
          <>
            <a class="button next" href={found.value.file} download>
              <Icon name="save" />
              <span>{translate("data.download")}</span>
            </a>
            <p class="muted">{translate("data.until", { time: formatTime(parseTime(found.value.expires)) })}</p>
          </>
        )}
      </div>
    </main>
  );
}
