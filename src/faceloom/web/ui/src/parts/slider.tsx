/** A slider with a notch at a reference value. It is a range input, so keyboard and screen readers work. */

interface SliderProps {
  label: string;
  low: number;
  high: number;
  step: number;
  value: number;
  /** Value of the notch, and its label. */
  notch?: number;
  notchLabel?: string;
  lowLabel?: string;
  highLabel?: string;
  /** The value as text, with its unit. */
  text: string;
  /** Called while the slider moves. */
  onSlide: (value: number) => void;
  /** Called when the slider is released. */
  onSettle?: () => void;
}

/** Return the position of a value on the track, 0...1. */
const position = (value: number, { low, high }: SliderProps): number =>
  Math.min(1, Math.max(0, (value - low) / (high - low || 1)));

export function Slider(props: SliderProps) {
  const at = position(props.value, props);
  const notch = props.notch === undefined ? 0 : position(props.notch, props);
  const style = { "--at": at, "--from": Math.min(at, notch), "--to": Math.max(at, notch), "--notch": notch };
  return (
    <div class="slider" style={style}>
      {props.lowLabel && <span class="end">{props.lowLabel}</span>}
      <div class="track">
        {props.notch !== undefined && (
          <span class="notch" aria-hidden="true">
            <i>{props.notchLabel}</i>
          </span>
        )}
        <input
          type="range"
          aria-label={props.label}
          aria-valuetext={props.text}
          min={props.low}
          max={props.high}
          step={props.step}
          value={props.value}
          onInput={(event) => props.onSlide(event.currentTarget.valueAsNumber)}
          onChange={() => props.onSettle?.()}
        />
      </div>
      {props.highLabel && <span class="end">{props.highLabel}</span>}
    </div>
  );
}
