/** Calls of the REST API, typed by the server's OpenAPI document. */

import type { paths } from "./api-types";

export const API = "/api/v1";

/** The path before every address of the server, as `/booth`, or "": the server writes it into index.html. */
export const BASE_PATH =
  typeof document === "undefined"
    ? ""
    : (document.querySelector<HTMLMetaElement>('meta[name="base-path"]')?.content ?? "");

type Method = "get" | "post" | "put" | "delete";

/** The paths that answer to a method, without the prefix `/api/v1`. */
export type Path<M extends Method> = {
  [P in keyof paths]: paths[P] extends Record<M, unknown>
    ? P extends `${typeof API}${infer Rest}`
      ? Rest
      : never
    : never;
}[keyof paths];

type Operation<M extends Method, P extends string> = `${typeof API}${P}` extends infer Full extends keyof paths
  ? paths[Full] extends Record<M, infer Found>
    ? Found
    : never
  : never;
type Field<O, Name extends string> = O extends Record<Name, infer Value> ? { [Key in Name]: Value } : unknown;
type QueryField<O> = O extends { query: infer Q } ? (object extends Q ? { query?: Q } : { query: Q }) : unknown;

/** What a call sends: path parameters, query and body, as far as the operation has them. */
type Input<M extends Method, P extends string> = Field<Operation<M, P>, "path"> &
  Field<Operation<M, P>, "body"> &
  QueryField<Operation<M, P>>;
type Options<M extends Method, P extends string> = Input<M, P> & { signal?: AbortSignal };
type OptionsArgument<M extends Method, P extends string> =
  object extends Input<M, P> ? [options?: Options<M, P>] : [options: Options<M, P>];

/** The answer of an operation. */
export type Answer<M extends Method, P extends string> = Operation<M, P> extends { response: infer R } ? R : never;

type PathParameters = Record<string, string>;
export type Query = Record<string, string | number | boolean | null>;
interface UntypedOptions {
  path?: PathParameters;
  query?: Query;
  body?: unknown;
  signal?: AbortSignal;
}

/** An error response of the server. `code` is for programs; `message` and `hint` are shown to the visitor. */
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

/** Thrown when the server does not answer at all. */
export class NetworkError extends Error {}

/** Return a URL with its query appended. A URL that already has a query is extended. */
export function withQuery(url: string, query: Query = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== null);
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return text ? `${url}${url.includes("?") ? "&" : "?"}${text}` : url;
}

function buildUrl(path: string, { path: parameters = {}, query }: UntypedOptions = {}): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(parameters[name] ?? ""));
  return withQuery(BASE_PATH + API + filled, query);
}

/** Return the URL of a GET operation, for pictures and event streams. */
export const apiUrl = <P extends Path<"get">>(path: P, ...[options]: OptionsArgument<"get", P>): string =>
  buildUrl(path, options as UntypedOptions);

async function send(method: string, url: string, { body, signal }: UntypedOptions = {}): Promise<Response> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (method !== "GET") headers["X-Faceloom"] = "1";
  const raw = body instanceof FormData || body instanceof Blob;
  if (body !== undefined && !raw) headers["Content-Type"] = "application/json";
  if (body instanceof Blob) headers["Content-Type"] = body.type;
  const init: RequestInit = { method, headers, credentials: "same-origin", cache: "no-store" };
  if (body !== undefined) init.body = raw ? (body as BodyInit) : JSON.stringify(body);
  if (signal) init.signal = signal;
  let response: Response;
  try {
    response = await fetch(url, init);
  } catch (error) {
    if ((error as Error).name === "AbortError") throw error;
    throw new NetworkError(String(error));
  }
  if (!response.ok) throw await readError(response);
  return response;
}

async function readError(response: Response): Promise<ServerError> {
  try {
    const { error } = (await response.json()) as { error?: { code?: string; message?: string; hint?: string } };
    return new ServerError(response.status, error?.code ?? "error", error?.message ?? "", error?.hint ?? "");
  } catch {
    return new ServerError(response.status, "error", "", "");
  }
}

async function call<M extends Method, P extends Path<M>>(
  method: M,
  path: P,
  options: UntypedOptions = {},
): Promise<Answer<M, P>> {
  const response = await send(method.toUpperCase(), buildUrl(path, options), options);
  return (response.status === 204 ? undefined : await response.json()) as Answer<M, P>;
}

export const get = <P extends Path<"get">>(
  path: P,
  ...[options]: OptionsArgument<"get", P>
): Promise<Answer<"get", P>> => call("get", path, options as UntypedOptions);

export const post = <P extends Path<"post">>(
  path: P,
  ...[options]: OptionsArgument<"post", P>
): Promise<Answer<"post", P>> => call("post", path, options as UntypedOptions);

export const put = <P extends Path<"put">>(
  path: P,
  ...[options]: OptionsArgument<"put", P>
): Promise<Answer<"put", P>> => call("put", path, options as UntypedOptions);

export const remove = <P extends Path<"delete">>(
  path: P,
  ...[options]: OptionsArgument<"delete", P>
): Promise<Answer<"delete", P>> => call("delete", path, options as UntypedOptions);

/** Fetch a picture. The caller creates an object URL for it, and revokes that afterwards. */
export const fetchPicture = async (url: string, signal?: AbortSignal): Promise<Blob> =>
  (await send("GET", url, signal ? { signal } : {})).blob();

/** Send a request, with a frame of the camera or without, and fetch the picture that answers it. */
export const postForPicture = async (path: string, query: Query = {}, options: UntypedOptions = {}): Promise<Blob> =>
  (await send("POST", buildUrl(path, { query }), options)).blob();
