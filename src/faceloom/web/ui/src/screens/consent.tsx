/** Before the camera opens: what is taken, where it stays, how long, how it goes. Yes and no are equally large. */

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
  return (
    <main class="screen consent">
      <div class="page">
        <h1>{translate("consent.title")}</h1>
        <ul class="promises">
          {LINES.map(([icon, word, more]) => (
            <li key={word}>
              <Icon name={icon} />
              <p>
                <strong>{translate(word)}</strong> <span>{translate(more, { minutes })}</span>
              </p>
            </li>
          ))}
        </ul>
        <p class="muted">{translate("consent.others")}</p>
        <div class="pair">
          <Button kind="plain" disabled={busy.value} onClick={() => void wipeVisit()}>
            {translate("decline")}
          </Button>
          <Button
            kind="next"
            disabled={busy.value}
            onClick={() => void changeVisit("/visit/consent", { agreed: true })}
          >
            {translate("agree")}
          </Button>
        </div>
      </div>
    </main>
  );
}
