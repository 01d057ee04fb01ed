/** The page of generated faces: a new face at every press. */

import { useSignal } from "@preact/signals";
import { apiUrl } from "../api";
import { Button } from "../parts/button";
import { Face } from "../parts/face";
import { onPress, useKeys } from "../parts/keyboard";
import { Slider } from "../parts/slider";
import { go } from "../route";
import { formatNumber, translate } from "../words/words";

const SEEDS = 1_000_000; // seeds are below this
const MAX_HISTORY = 50; // faces to which the visitor can return
const PSI = 0.7; // truncation at first
const SIDE = 1024; // pixels

const randomSeed = (): number => Math.floor(Math.random() * SEEDS);

export function Random() {
  const seeds = useSignal<number[]>([randomSeed()]);
  const sliderPsi = useSignal(PSI);
  const psi = useSignal(PSI); // the slider's value when it was released
  const seed = seeds.value.at(-1) ?? 0;
  const showNext = (): void => {
    seeds.value = [...seeds.value.slice(-MAX_HISTORY), randomSeed()];
  };
  const showPrevious = (): void => {
    if (seeds.value.length > 1) seeds.value = seeds.value.slice(0, -1);
  };
  useKeys({ " ": onPress(showNext), ArrowLeft: onPress(showPrevious), ArrowRight: onPress(showNext) });
  return (
    <main class="screen random">
      <header class="head">
        <h1>{translate("random.title")}</h1>
      </header>
      <div class="stage">
        <Face src={apiUrl("/random", { query: { seed, psi: psi.value, size: SIDE } })} alt={translate("alt.generated")}>
          <figcaption class="mark">{translate("random.number", { number: formatNumber(seed) })}</figcaption>
        </Face>
      </div>
      <div class="panel">
        <Slider
          label={translate("random.diversity")}
          lowLabel={translate("random.diversity")}
          low={0}
          high={1}
          step={0.05}
          value={sliderPsi.value}
          text={formatNumber(sliderPsi.value, { style: "percent" })}
          onSlide={(value) => {
            sliderPsi.value = value;
          }}
          onSettle={() => {
            psi.value = sliderPsi.value;
          }}
        />
      </div>
      <div class="trio">
        <Button icon="back" onClick={() => go("/")}>
          {translate("home")}
        </Button>
        <Button disabled={seeds.value.length < 2} onClick={showPrevious}>
          {translate("random.previous")}
        </Button>
        <Button kind="next" onClick={showNext} autofocus>
          {translate("random.next")}
        </Button>
      </div>
    </main>
  );
}
