/** The question to a parent or guardian, after a photo of a person who looks too young. */

import { answerGuardian, guardianNeeded } from "../state/photo";
import { translate } from "../words/words";
import { Button } from "./button";
import { Dialog } from "./dialog";

/** The dialog, while an answer is needed. Closing it is not an answer: the next photo asks again. */
export function GuardianDialog() {
  if (!guardianNeeded.value) return null;
  return (
    <Dialog
      title={translate("guardian.title")}
      onClose={() => {
        guardianNeeded.value = false;
      }}
    >
      <p>{translate("guardian.more")}</p>
      <div class="pair">
        <Button onClick={() => void answerGuardian(false)}>{translate("guardian.decline")}</Button>
        <Button kind="next" onClick={() => void answerGuardian(true)}>
          {translate("guardian.agree")}
        </Button>
      </div>
    </Dialog>
  );
}
