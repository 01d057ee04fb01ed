/** A page that most visitors never open: fetched when somebody does. */

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
