/** Calls to the server that the page came from. Knows the wire, not what anything means. */

export const API = "/api/v1";

/** The server said no: `code` for the page, `message` and `hint` for people. */
export class ServerError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly hint: string = "",
  ) {
    super(message);
  }
}

/** The server did not answer at all. */
export class NetworkError extends Error {}

export type Query = Record<string, string | number | boolean>;

/** Write a path under /api/v1 with its query; a path that is complete already stays as it is. */
export function apiUrl(path: string, query?: Query): string {
  const whole = path.startsWith("/api/") ? path : API + path;
  if (!query) return whole;
  const text = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)])).toString();
  return text ? `${whole}?${text}` : whole;
}

async function ask(
  method: string,
  path: string,
  body?: unknown,
  query?: Query,
  signal?: AbortSignal,
): Promise<Response> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (method !== "GET") headers["X-Faceloom"] = "1";
  const raw = body instanceof FormData || body instanceof Blob;
  if (body !== undefined && !raw) headers["Content-Type"] = "application/json";
  if (body instanceof Blob) headers["Content-Type"] = body.type;
  const init: RequestInit = { method, headers, credentials: "same-origin", cache: "no-store" };
  if (body !== undefined) init.body = raw ? (body as BodyInit) : JSON.stringify(body);
  if (signal) init.signal = signal;
  let answer: Response;
  try {
    answer = await fetch(apiUrl(path, query), init);
  } catch (error) {
    if ((error as Error).name === "AbortError") throw error;
    throw new NetworkError(String(error));
  }
  if (!answer.ok) throw await refusal(answer);
  return answer;
}

async function refusal(answer: Response): Promise<ServerError> {
  try {
    const said = ((await answer.json()) as { error?: { code?: string; message?: string; hint?: string } }).error;
    return new ServerError(answer.status, said?.code ?? "error", said?.message ?? "", said?.hint ?? "");
  } catch {
    return new ServerError(answer.status, "error", "", "");
  }
}

async function json<T>(answer: Response): Promise<T> {
  if (answer.status === 204) return undefined as T;
  return (await answer.json()) as T;
}

export const get = async <T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> =>
  json<T>(await ask("GET", path, undefined, query, signal));

export const post = async <T>(path: string, body?: unknown, signal?: AbortSignal): Promise<T> =>
  json<T>(await ask("POST", path, body, undefined, signal));

export const put = async <T>(path: string, body?: unknown): Promise<T> => json<T>(await ask("PUT", path, body));

export const remove = async (path: string): Promise<void> => {
  await ask("DELETE", path);
};

/** Fetch a picture as it is: the caller makes it an address of its own and gives that back when it is done. */
export const fetchPicture = async (path: string, query?: Query, signal?: AbortSignal): Promise<Blob> =>
  (await ask("GET", path, undefined, query, signal)).blob();
