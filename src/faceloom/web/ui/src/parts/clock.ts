/** The time, for what counts down. */

import { useEffect, useState } from "preact/hooks";

/** Milliseconds since 1970, afresh every `every` ms. */
export function useNow(every = 500): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), every);
    return () => clearInterval(timer);
  }, [every]);
  return now;
}
