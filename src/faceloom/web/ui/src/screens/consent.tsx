/** The consent screen, before the camera opens: the use, the place, the time and the deletion of the photo. */

import { post } from "../api";
import { Button } from "../parts/button";
import { Icon, type IconName } from "../parts/icon";
import { booth, busy, changeVisit, wipeVisit } from "../state/booth";
import { type TextKey, translate } from "../words/words";

const LINES: [IconName, TextKey, TextKey][] = [
  ["camera", "consent.taken", "consent.taken.more"],
  ["house", "consent.local", "consent.local.more"],
  ["hour", "consent.time", "consent.time.more"],
  ["bin", "consent.delete", "consent.delete.more"],
];

export function Consent() {
  const minutes = booth.value.retention_minutes;
  const agree = () => void changeVisit(() => post("/visit/consent", { body: { agreed: true } }));
  return (
    <main class="screen consent">
      <div class="page">
        <h1>{translate("consent.title")}</h1>
        <ul class="promises">
          {LINES.map(([icon, title, more]) => (
            <li key={title}>
              <Icon name={icon} />
              <p>
                <strong>{translate(title)}</strong> <span>{translate(more, { minutes })}</span>
              </p>
            </li>
          ))}
        </ul>
        <p class="muted">{translate("consent.others")}</p>
        <div class="pair">
          <Button kind="plain" disabled={busy.value} onClick={() => void wipeVisit()}>
            {translate("decline")}
          </Button>
          <Button kind="next" disabled={busy.value} onClick={agree}>
            {translate("agree")}
          </Button>
        </div>
      </div>
    </main>
  );
}
