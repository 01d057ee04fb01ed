/** The current time, for countdowns. */

import { useEffect, useState } from "preact/hooks";

/** Return milliseconds since 1970, updated every `every` ms. */
export function useNow(every = 500): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), every);
    return () => clearInterval(timer);
  }, [every]);
  return now;
}
