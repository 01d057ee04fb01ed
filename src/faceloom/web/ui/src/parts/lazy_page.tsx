/** A page whose code is loaded when it is opened, because few visitors open it. */

import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { translate } from "../words/words";

export function LazyPage({ load }: { load: () => Promise<ComponentType> }) {
  const [page, setPage] = useState<{ Page: ComponentType } | null>(null);
  useEffect(() => {
    load().then((Page) => setPage({ Page }));
  }, []);
  if (page) return <page.Page />;
  return (
    <main class="screen" aria-busy="true">
      <p class="unseen">{translate("lab.loading")}</p>
    </main>
  );
}
