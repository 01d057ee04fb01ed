/** What is shown while something is made: the text, a bar with the finished part, the time left, and a way to cancel. */

import { translate } from "../words/words";
import { Button } from "./button";

interface WaitingProps {
  text: string;
  /** Finished part, 0...1; undefined while it is not known. */
  part?: number | undefined;
  secondsLeft?: number | null;
  onCancel?: () => void;
}

export function Waiting({ text, part, secondsLeft, onCancel }: WaitingProps) {
  const left = typeof secondsLeft === "number" ? translate("wait.left", { seconds: Math.ceil(secondsLeft) }) : "";
  return (
    <div class="waiting">
      <p role="status">{text}</p>
      <progress aria-label={text} max="1" {...(part === undefined ? {} : { value: part })} />
      <p class="muted">{left || "\u00a0"}</p>
      {onCancel && <Button onClick={onCancel}>{translate("cancel")}</Button>}
    </div>
  );
}
