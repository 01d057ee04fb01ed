/** Figures to tap, and the keyboard's as well. */

import { useKeys, pressed, type Keys } from "./keys";
import { say } from "../words/words";

interface KeypadProps {
  value: string;
  length: number;
  hidden?: boolean;
  onChange: (value: string) => void;
  onEnter?: () => void;
}

const FIGURES = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "", "0", "⌫"];

export function Keypad({ value, length, hidden, onChange, onEnter }: KeypadProps) {
  const add = (figure: string): void => onChange((value + figure).slice(0, length));
  const drop = (): void => onChange(value.slice(0, -1));
  const keys: Keys = { Backspace: pressed(drop), Enter: pressed(() => onEnter?.()) };
  for (const figure of "0123456789") keys[figure] = pressed(() => add(figure));
  useKeys(keys);
  const shown = hidden ? "•".repeat(value.length) : value;
  return (
    <div class="keypad" role="group">
      <p class="typed" aria-live="polite">
        {shown || " "}
      </p>
      {FIGURES.map((figure) =>
        figure === "" ? (
          <span key="gap" />
        ) : (
          <button
            type="button"
            key={figure}
            aria-label={figure === "⌫" ? say("delete") : figure}
            onClick={() => (figure === "⌫" ? drop() : add(figure))}
          >
            {figure}
          </button>
        ),
      )}
    </div>
  );
}
