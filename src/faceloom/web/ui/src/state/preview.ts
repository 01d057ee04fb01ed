/** Pictures that follow a hand on a slider: one question at a time, always the newest, never an old answer. */

import { fetchPicture, type Query, ServerError } from "../api";

export type Values = Record<string, number>;
type Ask = (path: string, query: Query, signal: AbortSignal) => Promise<Blob>;

let number = Date.now() % 1e9; // grows over reloads as well, so that the server never takes a new value for a stale one

export class Preview {
  private waiting: Values | null = null;
  private asked: AbortController | null = null;
  private running = false;

  /** `show` gets each picture in order; `failed` whatever is no mere lateness. */
  constructor(
    private readonly path: string,
    private readonly show: (picture: Blob, values: Values) => void,
    private readonly failed: (error: unknown) => void = () => {},
    private readonly ask: Ask = fetchPicture,
  ) {}

  /** Ask for these values; whatever waits already is forgotten. */
  want(values: Values): void {
    this.waiting = { ...values };
    if (!this.running) void this.drain();
  }

  /** Forget everything, also an answer that is on its way. */
  stop(): void {
    this.waiting = null;
    this.asked?.abort();
    this.asked = null;
  }

  private async drain(): Promise<void> {
    this.running = true;
    while (this.waiting) {
      const values = this.waiting;
      this.waiting = null;
      await this.one(values);
    }
    this.running = false;
  }

  private async one(values: Values): Promise<void> {
    const control = new AbortController();
    this.asked = control;
    try {
      const answer = await this.ask(this.path, { ...values, n: ++number }, control.signal);
      if (!control.signal.aborted) this.show(answer, values);
    } catch (error) {
      const late = control.signal.aborted || (error instanceof ServerError && error.status === 409);
      if (!late) this.failed(error);
    }
  }
}
