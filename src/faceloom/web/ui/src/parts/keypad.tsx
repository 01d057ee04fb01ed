/** A keypad on the screen for a PIN or a code. The keyboard works as well. */

import { translate } from "../words/words";
import { type Keys, onPress, useKeys } from "./keyboard";

export const DIGITS = "1234567890";
/** Letters and digits without those that look alike: I and 1, L, O and 0. */
export const LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789";

interface KeypadProps {
  keys: string;
  value: string;
  length: number;
  hidden?: boolean;
  onChange: (value: string) => void;
  onEnter?: () => void;
}

export function Keypad({ keys: characters, value, length, hidden, onChange, onEnter }: KeypadProps) {
  const add = (character: string): void => onChange((value + character).slice(0, length));
  const deleteLast = (): void => onChange(value.slice(0, -1));
  const keys: Keys = { Backspace: onPress(deleteLast), Enter: onPress(() => onEnter?.()) };
  for (const key of characters) keys[key.toLowerCase()] = onPress(() => add(key));
  useKeys(keys);
  const shown = hidden ? "•".repeat(value.length) : value;
  return (
    <div class={`keypad ${characters.length > 10 ? "letters" : ""}`} role="group">
      <p class="typed" aria-live="polite">
        {shown || " "}
      </p>
      {[...characters].map((key) => (
        <button type="button" key={key} onClick={() => add(key)}>
          {key}
        </button>
      ))}
      <button type="button" aria-label={translate("delete")} onClick={deleteLast}>
        ⌫
      </button>
    </div>
  );
}
