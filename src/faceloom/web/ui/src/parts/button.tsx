/** A button. The kind `next` is the main action of a screen, in coral. */

import type { ComponentChildren } from "preact";
import { Icon, type IconName } from "./icon";

interface ButtonProps {
  children?: ComponentChildren;
  icon?: IconName;
  kind?: "next" | "plain" | "quiet" | "tool" | "chip" | "danger";
  pressed?: boolean;
  disabled?: boolean;
  onClick?: () => void;
  label?: string;
  class?: string;
  /** Whether the style sheet marks the button as the default action. */
  autofocus?: boolean;
  expanded?: boolean;
}

export function Button(props: ButtonProps) {
  const { children, icon, kind = "plain", pressed, disabled, onClick, label, expanded } = props;
  return (
    <button
      type="button"
      class={`button ${kind} ${props.class ?? ""}`}
      aria-pressed={pressed}
      aria-expanded={expanded}
      aria-label={label}
      aria-disabled={disabled || undefined}
      data-first={props.autofocus || undefined}
      onClick={() => !disabled && onClick?.()}
    >
      {icon && <Icon name={icon} />}
      {children !== undefined && <span>{children}</span>}
    </button>
  );
}
