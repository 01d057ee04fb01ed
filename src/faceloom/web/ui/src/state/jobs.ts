/** Jobs of the server that take longer than a request, such as films. */

import { get } from "../api";
import type { Job } from "../types";
import { showFailure } from "./booth";

const POLL_MS = 700;

/** Wait until a job is over. Returns the address of its result, or null after showing why it failed. */
export async function waitForJob(job: Job): Promise<string | null> {
  let now = job;
  while (now.state === "running") {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    now = await get("/jobs/{id}", { path: { id: job.id } });
  }
  if (now.error) showFailure(now.error);
  return now.url;
}
