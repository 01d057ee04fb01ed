/** The Lab's section for dragging: the visitor taps points and their targets, and the face follows. */

import { useEffect } from "preact/hooks";
import { Button } from "../parts/button";
import { Face } from "../parts/face";
import { formatNumber, translate } from "../words/words";
import {
  discardDrag,
  drag,
  dragUrl,
  holdRest,
  keepDrag,
  kept,
  points,
  setPoints,
  startDrag,
  stopDrag,
} from "./drag_state";
import { FaceChoice } from "./face_choice";
import { addPoint, NO_POINTS, PRESET_DRAGS, relativePosition } from "./points";
import { faceUrl, view } from "./state";
import { translateLab } from "./words";

const PRESETS = Object.keys(PRESET_DRAGS) as (keyof typeof PRESET_DRAGS)[];

export function Drag() {
  useEffect(() => () => void discardDrag(), []);
  const now = drag.value;
  const toggleHold = (): void => {
    holdRest.value = !holdRest.value;
  };
  return (
    <div class="bench">
      <section class="stage">
        <DraggableFace />
      </section>
      <section class="controls">
        <p class="muted">{translateLab("drag.more")}</p>
        {!now && <FaceChoice />}
        <div class="row" role="group" aria-label={translateLab("drag")}>
          {PRESETS.map((name) => (
            <Button
              key={name}
              kind="chip"
              disabled={now?.state === "running"}
              onClick={() => void setPoints(PRESET_DRAGS[name])}
            >
              {translateLab(`drag.${name}`)}
            </Button>
          ))}
        </div>
        <label class="switch">
          <input type="checkbox" checked={holdRest.value} onChange={toggleHold} />
          {translateLab("drag.around")}
        </label>
        <p class="under" role="status">
          {statusText()}
        </p>
        <DragButtons />
      </section>
    </div>
  );
}

/** The buttons: start, stop or keep; clear the points; return to the face before the drag. */
function DragButtons() {
  const now = drag.value;
  const running = now?.state === "running";
  const ready = points.value.pairs.length > 0;
  const hasResult = !!now && !running && (now.number ?? 0) > 0;
  const clear = (): void => {
    points.value = NO_POINTS;
  };
  return (
    <div class="pair">
      {hasResult && view.value.person && !kept.value ? (
        <Button kind="next" icon="keep" onClick={() => void keepDrag()}>
          {translateLab("drag.keep")}
        </Button>
      ) : running ? (
        <Button kind="next" onClick={() => void stopDrag()}>
          {translateLab("drag.stop")}
        </Button>
      ) : (
        <Button kind="next" disabled={!ready || hasResult} onClick={() => void startDrag()}>
          {translateLab("drag.start")}
        </Button>
      )}
      <Button icon="close" disabled={!!now || (!ready && !points.value.waiting)} onClick={clear}>
        {translateLab("drag.clear")}
      </Button>
      {now && !running && (
        <Button icon="undo" onClick={() => void discardDrag()}>
          {translateLab("drag.back")}
        </Button>
      )}
    </div>
  );
}

function DraggableFace() {
  const { pairs, waiting } = points.value;
  const movedHandles = drag.value?.handles;
  const addTappedPoint = (event: MouseEvent & { currentTarget: HTMLElement }): void => {
    if (drag.value) return;
    const box = event.currentTarget.getBoundingClientRect();
    points.value = addPoint(points.value, relativePosition(event.clientX, event.clientY, box));
  };
  return (
    <div class="draggable" onClick={addTappedPoint}>
      <Face src={dragUrl.value ?? faceUrl.value} alt={translateLab("drag.picture")}>
        <svg class="points" viewBox="0 0 100 100" aria-hidden="true">
          {pairs.map(({ handle, target }, n) => {
            const [x, y] = movedHandles?.[n] ?? handle;
            return (
              <g key={n}>
                <line x1={x * 100} y1={y * 100} x2={target[0] * 100} y2={target[1] * 100} />
                <circle class="target" cx={target[0] * 100} cy={target[1] * 100} r="1.5" />
                <circle class="handle" cx={x * 100} cy={y * 100} r="1.3" />
              </g>
            );
          })}
          {waiting && <circle class="handle" cx={waiting[0] * 100} cy={waiting[1] * 100} r="1.3" />}
        </svg>
        <figcaption class="mark">{view.value.person ? translateLab("you") : translate("alt.generated")}</figcaption>
      </Face>
    </div>
  );
}

function statusText(): string {
  const now = drag.value;
  if (kept.value) return translateLab("drag.kept");
  if (points.value.waiting) return translateLab("drag.target");
  if (!now) return "";
  const number = now.number ?? 0;
  const left = formatNumber(now.distance ?? 0, { style: "percent", maximumFractionDigits: 1 });
  if (now.state === "running") return translateLab("drag.step", { number, left });
  if (now.state === "failed") return translateLab("drag.failed", { message: now.error?.message ?? "" });
  return now.state === "done" ? translateLab("drag.done", { number }) : translateLab("drag.stopped", { number, left });
}
