/** Jobs of the server that take longer than a request, such as films. */

import { get, remove, ServerError } from "../api";
import type { Job } from "../types";
import { showFailure } from "./booth";

const POLL_MS = 500;

/**
 * Wait until a job is over. Returns the address of its result, or null after showing why it failed.
 *
 * `onProgress` gets the job's state while it runs. When `signal` is aborted, the job is canceled and the result is null.
 */
export async function waitForJob(
  job: Job,
  onProgress: (now: Job) => void = () => {},
  signal?: AbortSignal,
): Promise<string | null> {
  let now = job;
  while (now.state === "running") {
    onProgress(now);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    if (signal?.aborted) return cancelJob(job);
    now = await get("/jobs/{id}", { path: { id: job.id } });
  }
  if (now.error) showFailure(now.error);
  return now.url;
}

async function cancelJob(job: Job): Promise<null> {
  try {
    await remove("/jobs/{id}", { path: { id: job.id } });
  } catch (error) {
    if (!(error instanceof ServerError)) throw error; // the job is over already
  }
  return null;
}
