/** The Lab: exploring the generator's latent space, dragging points, and inspecting the networks' results. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Button } from "../parts/button";
import { go } from "../route";
import { translate } from "../words/words";
import { Cast } from "./cast";
import { Drag } from "./drag";
import { Explore } from "./explore";
import { Inspect } from "./inspect";
import { closeLab, openLab } from "./state";
import { translateLab } from "./words";
import "./lab.css";

const SECTIONS = { explore: Explore, drag: Drag, inspect: Inspect, cast: Cast } as const;
type Section = keyof typeof SECTIONS;

export function Lab() {
  const section = useSignal<Section>("explore");
  useEffect(() => {
    void openLab();
    return closeLab;
  }, []);
  const show = (name: Section) => () => {
    section.value = name;
  };
  const Content = SECTIONS[section.value];
  return (
    <main class="screen lab">
      <header class="lab-head">
        <Button icon="back" kind="quiet" onClick={() => go("/")}>
          {translate("home")}
        </Button>
        <h1>{translate("lab")}</h1>
        <div class="segments" role="group" aria-label={translate("lab")}>
          {(Object.keys(SECTIONS) as Section[]).map((name) => (
            <Button key={name} kind="chip" pressed={section.value === name} onClick={show(name)}>
              {translateLab(name)}
            </Button>
          ))}
        </div>
      </header>
      <Content />
    </main>
  );
}
