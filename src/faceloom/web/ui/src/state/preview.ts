/** Previews while a slider moves: one request at a time, for the newest values; late answers are dropped. */

import { fetchPicture, ServerError, withQuery } from "../api";

export type Values = Record<string, number>;
type Fetch = (url: string, signal: AbortSignal) => Promise<Blob>;

/** Number of the request, by which the server recognizes outdated ones. It also grows when the page is loaded again. */
let requestNumber = Date.now() % 1e9;

export class Preview {
  private waiting: Values | null = null;
  private controller: AbortController | null = null;
  private running = false;

  /** `show` gets each picture in order. `onError` gets every error except that of an outdated request. */
  constructor(
    private readonly url: string,
    private readonly show: (picture: Blob, values: Values) => void,
    private readonly onError: (error: unknown) => void = () => {},
    private readonly fetch: Fetch = fetchPicture,
  ) {}

  /** Request a preview of these values. They replace values that are still waiting. */
  request(values: Values): void {
    this.waiting = { ...values };
    if (!this.running) void this.drain();
  }

  /** Drop the waiting values, and the answer that is on its way. */
  stop(): void {
    this.waiting = null;
    this.controller?.abort();
    this.controller = null;
  }

  private async drain(): Promise<void> {
    this.running = true;
    while (this.waiting) {
      const values = this.waiting;
      this.waiting = null;
      await this.fetchOne(values);
    }
    this.running = false;
  }

  private async fetchOne(values: Values): Promise<void> {
    const controller = new AbortController();
    this.controller = controller;
    try {
      const picture = await this.fetch(withQuery(this.url, { ...values, n: ++requestNumber }), controller.signal);
      if (!controller.signal.aborted) this.show(picture, values);
    } catch (error) {
      const outdated = controller.signal.aborted || (error instanceof ServerError && error.status === 409);
      if (!outdated) this.onError(error);
    }
  }
}
