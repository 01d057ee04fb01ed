/** The Lab's section for exploring the latent space: seeds, truncation, and axes discovered without labels. */

import { useEffect } from "preact/hooks";
import { Button } from "../parts/button";
import { Face } from "../parts/face";
import { Slider } from "../parts/slider";
import type { Axis } from "../types";
import { formatNumber, translate } from "../words/words";
import { FaceChoice } from "./face_choice";
import { Pad } from "./pad";
import { axes, changeView, faceUrl, generator, type Layers, loadAxes, type Method, view } from "./state";
import { translateLab } from "./words";

const SEEDS = 1_000_000; // random seeds are below this
const METHODS: Record<Method, string> = { pca: "PCA", sefa: "SeFa" };
const LAYERS: Layers[] = ["all", "coarse", "middle", "fine"];

export function Explore() {
  const now = view.value;
  return (
    <div class="bench">
      <section class="stage">
        <Face src={faceUrl.value} alt={translate("alt.generated")}>
          <figcaption class="mark">
            {now.person ? translateLab("you") : translateLab("seed", { number: formatNumber(now.seed) })}
          </figcaption>
        </Face>
      </section>
      <section class="controls">
        <p class="muted explained">{translateLab("explore.more")}</p>
        <div class="row">
          <FaceChoice />
          {!now.person && <Seeds seed={now.seed} />}
        </div>
        <Truncation />
        <Axes />
      </section>
    </div>
  );
}

function Seeds({ seed }: { seed: number }) {
  return (
    <div class="row">
      <Button
        label={translateLab("seed.previous")}
        icon="back"
        onClick={() => changeView({ seed: Math.max(0, seed - 1) })}
      />
      <Button icon="dice" onClick={() => changeView({ seed: Math.floor(Math.random() * SEEDS) })}>
        {translateLab("seed.dice")}
      </Button>
      <Button label={translateLab("seed.next")} icon="next" onClick={() => changeView({ seed: seed + 1 })} />
    </div>
  );
}

function Truncation() {
  const { psi, cutoff } = view.value;
  const all = generator.value?.layers.length ?? 0;
  const first = Math.min(cutoff, all);
  return (
    <div class="block">
      <h2>
        {translateLab("psi")} <span class="value">{formatNumber(psi, { minimumFractionDigits: 2 })}</span>
      </h2>
      <Slider
        label={translateLab("psi")}
        low={-1}
        high={1.5}
        step={0.05}
        value={psi}
        notch={0}
        notchLabel={translateLab("psi.mean")}
        lowLabel={translateLab("psi.low")}
        highLabel={translateLab("psi.high")}
        text={formatNumber(psi)}
        onSlide={(value) => changeView({ psi: value })}
      />
      {all > 0 && (
        <Slider
          label={translateLab("cutoff.label")}
          low={0}
          high={all}
          step={1}
          value={first}
          lowLabel={translateLab("cutoff", { count: first, all })}
          text={translateLab("cutoff", { count: first, all })}
          onSlide={(value) => changeView({ cutoff: value })}
        />
      )}
    </div>
  );
}

function Axes() {
  const { method, layers, x, y } = view.value;
  useEffect(() => void loadAxes(method), [method]);
  const discovered = axes.value[method];
  return (
    <div class="block">
      <div class="titled">
        <h2>{translateLab("pad")}</h2>
        <div class="row" role="group" aria-label={translateLab("method")}>
          {(Object.keys(METHODS) as Method[]).map((name) => (
            <Button
              key={name}
              kind="chip"
              pressed={method === name}
              onClick={() => changeView({ method: name, x: 0, y: 0 })}
            >
              {METHODS[name]}
            </Button>
          ))}
        </div>
      </div>
      {discovered ? (
        <div class="pad-and-axes">
          <Pad x={x} y={y} label={translateLab("pad")} onMove={(to) => changeView(to)} />
          <div class="choices">
            <AxisChoice
              label={translateLab("axis.x")}
              axes={discovered}
              value={view.value.x_axis}
              onChoose={(x_axis) => changeView({ x_axis })}
            />
            <AxisChoice
              label={translateLab("axis.y")}
              axes={discovered}
              value={view.value.y_axis}
              onChoose={(y_axis) => changeView({ y_axis })}
            />
            <Button icon="reset" disabled={!x && !y} onClick={() => changeView({ x: 0, y: 0 })}>
              {translateLab("pad.reset")}
            </Button>
          </div>
        </div>
      ) : (
        <p class="muted" role="status">
          {translateLab("axes.wait")}
        </p>
      )}
      {discovered && <p class="muted">{translateLab("pad.more")}</p>}
      <div class="row" role="group" aria-label={translateLab("layers")}>
        {LAYERS.map((name) => (
          <Button key={name} kind="chip" pressed={layers === name} onClick={() => changeView({ layers: name })}>
            {translateLab(`layers.${name}`)}
          </Button>
        ))}
      </div>
    </div>
  );
}

interface AxisChoiceProps {
  label: string;
  axes: Axis[];
  value: number;
  onChoose: (number: number) => void;
}

function AxisChoice({ label, axes: choices, value, onChoose }: AxisChoiceProps) {
  return (
    <label class="choice">
      <span>{label}</span>
      <select value={value} onChange={(event) => onChoose(Number(event.currentTarget.value))}>
        {choices.map((axis) => (
          <option key={axis.number} value={axis.number}>
            {titleOf(axis)}
          </option>
        ))}
      </select>
    </label>
  );
}

/** Return the text of an axis: its number, the attribute that it changes most, and the share of variance. */
function titleOf({ number, name, explained }: Axis): string {
  const share = formatNumber(explained, { style: "percent", maximumFractionDigits: 1 });
  if (!name) return translateLab("axis.plain", { number, part: share });
  return translateLab("axis", {
    number,
    part: share,
    name: name.startsWith("nothing") ? translateLab("axis.none") : name,
  });
}
