/** The latent pad: a square that moves a face along two axes at once, by pointer or arrow keys. */

import { formatNumber } from "../words/words";
import { relativePosition } from "./points";
import { REACH } from "./state";

const STEP = 0.25; // standard deviations that one press of an arrow key moves
const MOVES: Record<string, [number, number]> = {
  ArrowLeft: [-STEP, 0],
  ArrowRight: [STEP, 0],
  ArrowUp: [0, STEP],
  ArrowDown: [0, -STEP],
  Home: [0, 0],
};

interface PadProps {
  x: number;
  y: number;
  label: string;
  onMove: (to: { x: number; y: number }) => void;
}

/** Round a position, and limit it to the pad. */
const limit = (value: number): number => Math.round(Math.min(REACH, Math.max(-REACH, value)) * 100) / 100;

export function Pad({ x, y, label, onMove }: PadProps) {
  const follow = (event: PointerEvent & { currentTarget: HTMLElement }): void => {
    if (!event.currentTarget.hasPointerCapture(event.pointerId)) return;
    const [right, down] = relativePosition(event.clientX, event.clientY, event.currentTarget.getBoundingClientRect());
    onMove({ x: limit((right * 2 - 1) * REACH), y: limit((1 - down * 2) * REACH) });
  };
  const press = (event: PointerEvent & { currentTarget: HTMLElement }): void => {
    event.currentTarget.setPointerCapture(event.pointerId);
    follow(event);
  };
  const key = (event: KeyboardEvent): void => {
    const by = MOVES[event.key];
    if (!by) return;
    event.preventDefault();
    onMove(event.key === "Home" ? { x: 0, y: 0 } : { x: limit(x + by[0]), y: limit(y + by[1]) });
  };
  const place = { left: `${50 + (50 * x) / REACH}%`, top: `${50 - (50 * y) / REACH}%` };
  return (
    <div
      class="pad"
      role="slider"
      tabIndex={0}
      aria-label={label}
      aria-valuemin={-REACH}
      aria-valuemax={REACH}
      aria-valuenow={x}
      aria-valuetext={`${formatNumber(x)} σ, ${formatNumber(y)} σ`}
      data-typing
      onPointerDown={press}
      onPointerMove={follow}
      onKeyDown={key}
    >
      <i style={place} />
      <span class="figures" aria-hidden="true">
        {formatNumber(x)} σ, {formatNumber(y)} σ
      </span>
    </div>
  );
}
