/** Letters and figures to tap, and the keyboard's as well. */

import { translate } from "../words/words";
import { type Keys, onPress, useKeys } from "./keyboard";

export const FIGURES = "1234567890";
/** Without those that are taken for others. */
export const LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789";

interface KeypadProps {
  keys: string;
  value: string;
  length: number;
  hidden?: boolean;
  onChange: (value: string) => void;
  onEnter?: () => void;
}

export function Keypad({ keys: there, value, length, hidden, onChange, onEnter }: KeypadProps) {
  const add = (figure: string): void => onChange((value + figure).slice(0, length));
  const drop = (): void => onChange(value.slice(0, -1));
  const keys: Keys = { Backspace: onPress(drop), Enter: onPress(() => onEnter?.()) };
  for (const key of there) keys[key.toLowerCase()] = onPress(() => add(key));
  useKeys(keys);
  const shown = hidden ? "•".repeat(value.length) : value;
  return (
    <div class={`keypad ${there.length > 10 ? "letters" : ""}`} role="group">
      <p class="typed" aria-live="polite">
        {shown || " "}
      </p>
      {[...there].map((key) => (
        <button type="button" key={key} onClick={() => add(key)}>
          {key}
        </button>
      ))}
      <button type="button" aria-label={translate("delete")} onClick={drop}>
        ⌫
      </button>
    </div>
  );
}
