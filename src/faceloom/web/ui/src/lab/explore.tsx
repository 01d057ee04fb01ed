/** Walking in the generator's space: seeds, truncation, and axes that nobody labelled. */

import { useEffect } from "preact/hooks";
import { Button } from "../parts/button";
import { Face } from "../parts/face";
import { Slider } from "../parts/slider";
import { figure, say } from "../words/words";
import { Whose } from "./lab";
import { Pad } from "./pad";
import { type Axis, axes, face, findAxes, generator, type Layers, look, type Method, wanted } from "./state";
import { tell } from "./words";

const SEEDS = 1_000_000;
const METHODS: Record<Method, string> = { pca: "PCA", sefa: "SeFa" };
const LAYERS: Layers[] = ["all", "coarse", "middle", "fine"];

export function Explore() {
  const now = wanted.value;
  return (
    <div class="bench">
      <section class="stage">
        <Face src={face.value} alt={say("alt.invented")}>
          <figcaption class="mark">{now.person ? tell("you") : tell("seed", { number: figure(now.seed) })}</figcaption>
        </Face>
      </section>
      <section class="controls">
        <p class="muted explained">{tell("explore.more")}</p>
        <div class="row">
          <Whose />
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
      <Button label={tell("seed.previous")} icon="back" onClick={() => look({ seed: Math.max(0, seed - 1) })} />
      <Button icon="dice" onClick={() => look({ seed: Math.floor(Math.random() * SEEDS) })}>
        {tell("seed.dice")}
      </Button>
      <Button label={tell("seed.next")} icon="next" onClick={() => look({ seed: seed + 1 })} />
    </div>
  );
}

function Truncation() {
  const { psi, cutoff } = wanted.value;
  const all = generator.value?.layers.length ?? 0;
  const first = Math.min(cutoff, all);
  return (
    <div class="block">
      <h2>
        {tell("psi")} <span class="value">{figure(psi, { minimumFractionDigits: 2 })}</span>
      </h2>
      <Slider
        label={tell("psi")}
        low={-1}
        high={1.5}
        step={0.05}
        value={psi}
        notch={0}
        notchLabel={tell("psi.mean")}
        lowLabel={tell("psi.low")}
        highLabel={tell("psi.high")}
        text={figure(psi)}
        onSlide={(value) => look({ psi: value })}
      />
      {all > 0 && (
        <Slider
          label={tell("cutoff.label")}
          low={0}
          high={all}
          step={1}
          value={first}
          lowLabel={tell("cutoff", { count: first, all })}
          text={tell("cutoff", { count: first, all })}
          onSlide={(value) => look({ cutoff: value })}
        />
      )}
    </div>
  );
}

function Axes() {
  const { method, layers, x, y } = wanted.value;
  useEffect(() => void findAxes(method), [method]);
  const known = axes.value[method];
  return (
    <div class="block">
      <div class="titled">
        <h2>{tell("pad")}</h2>
        <div class="row" role="group" aria-label={tell("method")}>
          {(Object.keys(METHODS) as Method[]).map((name) => (
            <Button key={name} kind="chip" pressed={method === name} onClick={() => look({ method: name, x: 0, y: 0 })}>
              {METHODS[name]}
            </Button>
          ))}
        </div>
      </div>
      {known ? (
        <div class="pad-and-axes">
          <Pad x={x} y={y} label={tell("pad")} onMove={(to) => look(to)} />
          <div class="choices">
            <AxisChoice
              label={tell("axis.x")}
              known={known}
              value={wanted.value.x_axis}
              onChoose={(x_axis) => look({ x_axis })}
            />
            <AxisChoice
              label={tell("axis.y")}
              known={known}
              value={wanted.value.y_axis}
              onChoose={(y_axis) => look({ y_axis })}
            />
            <Button icon="reset" disabled={!x && !y} onClick={() => look({ x: 0, y: 0 })}>
              {tell("pad.reset")}
            </Button>
          </div>
        </div>
      ) : (
        <p class="muted" role="status">
          {tell("axes.wait")}
        </p>
      )}
      {known && <p class="muted">{tell("pad.more")}</p>}
      <div class="row" role="group" aria-label={tell("layers")}>
        {LAYERS.map((name) => (
          <Button key={name} kind="chip" pressed={layers === name} onClick={() => look({ layers: name })}>
            {tell(`layers.${name}`)}
          </Button>
        ))}
      </div>
    </div>
  );
}

interface AxisChoiceProps {
  label: string;
  known: Axis[];
  value: number;
  onChoose: (number: number) => void;
}

function AxisChoice({ label, known, value, onChoose }: AxisChoiceProps) {
  return (
    <label class="choice">
      <span>{label}</span>
      <select value={value} onChange={(event) => onChoose(Number(event.currentTarget.value))}>
        {known.map((axis) => (
          <option key={axis.number} value={axis.number}>
            {titleOf(axis)}
          </option>
        ))}
      </select>
    </label>
  );
}

function titleOf({ number, name, explained }: Axis): string {
  const part = figure(explained, { style: "percent", maximumFractionDigits: 1 });
  if (!name) return tell("axis.plain", { number, part });
  return tell("axis", { number, part, name: name.startsWith("nothing") ? tell("axis.none") : name });
}
