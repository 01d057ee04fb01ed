/** On the visitor's phone: the picture to save, as long as the booth has it. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { address, get } from "../api";
import { Button } from "../parts/button";
import { moment } from "../state/booth";
import type { Take } from "../types";
import { hour, say } from "../words/words";
import { Moving } from "./friend";

export function TakeHome({ token }: { token: string }) {
  const take = useSignal<Take | null>(null);
  const gone = useSignal(false);
  useEffect(() => {
    get<Take>(`/take/${token}`).then(
      (answer) => (take.value = answer),
      () => (gone.value = true),
    );
  }, [token]);
  if (gone.value) return <Gone />;
  if (!take.value) return <main class="screen take" />;
  const { image, form, expires } = take.value;
  const file = take.value.file ?? address(`/take/${token}/file`);
  return (
    <main class="screen take">
      <header class="head">
        <h1>{say("take.title")}</h1>
      </header>
      <div class="stage">
        <figure class="frame">
          {form === "film" ? <Moving src={image} /> : <img src={image} alt={say("alt.likeness")} />}
        </figure>
      </div>
      <div class="pair">
        {"canShare" in navigator && (
          <Button icon="share" onClick={() => void share(file)}>
            {say("take.share")}
          </Button>
        )}
        <a class="button next" href={file} download>
          <span>{say("take.save")}</span>
        </a>
      </div>
      <p class="muted under">{say("take.until", { time: hour(moment(expires)) })}</p>
    </main>
  );
}

function Gone() {
  return (
    <main class="screen take">
      <div class="page">
        <h1>{say("take.gone")}</h1>
        <p class="lead">{say("take.gone.more")}</p>
      </div>
    </main>
  );
}

async function share(address: string): Promise<void> {
  const blob = await (await fetch(address)).blob();
  const files = [new File([blob], `faceloom.${blob.type.split("/")[1] ?? "jpg"}`, { type: blob.type })];
  if (navigator.canShare({ files })) await navigator.share({ files }).catch(() => undefined);
}
