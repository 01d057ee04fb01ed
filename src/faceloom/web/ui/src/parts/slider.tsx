/** One slider, with a notch where "me" is. The browser's own range below: keyboard and screen readers know it. */

interface SliderProps {
  label: string;
  low: number;
  high: number;
  step: number;
  value: number;
  /** Where the notch is, and what it is called. */
  notch?: number;
  notchLabel?: string;
  lowLabel?: string;
  highLabel?: string;
  /** The value as people say it. */
  text: string;
  onSlide: (value: number) => void;
  onSettle?: () => void;
}

const share = (value: number, { low, high }: SliderProps): number =>
  Math.min(1, Math.max(0, (value - low) / (high - low || 1)));

export function Slider(props: SliderProps) {
  const at = share(props.value, props);
  const notch = props.notch === undefined ? 0 : share(props.notch, props);
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
