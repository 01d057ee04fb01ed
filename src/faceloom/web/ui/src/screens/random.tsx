/** A person who does not exist; another at each press. */

import { useSignal } from "@preact/signals";
import { apiUrl } from "../api";
import { Button } from "../parts/button";
import { Face } from "../parts/face";
import { onPress, useKeys } from "../parts/keyboard";
import { Slider } from "../parts/slider";
import { go } from "../route";
import { formatNumber, translate } from "../words/words";

const SEEDS = 1_000_000;
const draw = (): number => Math.floor(Math.random() * SEEDS);

export function Random() {
  const seeds = useSignal<number[]>([draw()]);
  const psi = useSignal(0.7);
  const settled = useSignal(0.7);
  const seed = seeds.value.at(-1) ?? 0;
  const next = (): void => void (seeds.value = [...seeds.value.slice(-50), draw()]);
  const previous = (): void => void (seeds.value.length > 1 && (seeds.value = seeds.value.slice(0, -1)));
  useKeys({ " ": onPress(next), ArrowLeft: onPress(previous), ArrowRight: onPress(next) });
  return (
    <main class="screen random">
      <header class="head">
        <h1>{translate("random.title")}</h1>
      </header>
      <div class="stage">
        <Face src={apiUrl("/random", { seed, psi: settled.value, size: 1024 })} alt={translate("alt.invented")}>
          <figcaption class="mark">{translate("random.number", { number: formatNumber(seed) })}</figcaption>
        </Face>
      </div>
      <div class="panel">
        <Slider
          label={translate("random.wild")}
          lowLabel={translate("random.wild")}
          low={0}
          high={1}
          step={0.05}
          value={psi.value}
          text={formatNumber(psi.value, { style: "percent" })}
          onSlide={(value) => (psi.value = value)}
          onSettle={() => (settled.value = psi.value)}
        />
      </div>
      <div class="trio">
        <Button icon="back" onClick={() => go("/")}>
          {translate("home")}
        </Button>
        <Button disabled={seeds.value.length < 2} onClick={previous}>
          {translate("random.previous")}
        </Button>
        <Button kind="next" onClick={next} autofocus>
          {translate("random.next")}
        </Button>
      </div>
    </main>
  );
}
