/** For the curious: what the networks saw, and what the generator can do. */

import { Button } from "../parts/button";
import { go } from "../route";
import { say } from "../words/words";

export function Lab() {
  return (
    <main class="screen lab">
      <header class="head">
        <h1>{say("lab")}</h1>
      </header>
      <Button icon="back" onClick={() => go("/")}>
        {say("home")}
      </Button>
    </main>
  );
}
