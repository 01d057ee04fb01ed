/** The open page, by the address. All screens of a visit share one address: the server's state selects the screen. */

import { signal } from "@preact/signals";
import { BASE_PATH } from "./api";

export interface Route {
  page: "visit" | "random" | "lab" | "operator" | "gallery" | "phone" | "my-data";
  token: string;
}

const PAGES = new Set(["random", "lab", "operator", "gallery", "phone", "my-data"]);

/** Read an address of the page. The path before it, if the page has one, is left out. */
export function parseRoute(path: string, base = BASE_PATH): Route {
  const own = base && (path === base || path.startsWith(`${base}/`)) ? path.slice(base.length) : path;
  const [page = "", token = ""] = own.split("/").filter(Boolean);
  return PAGES.has(page) ? { page: page as Route["page"], token } : { page: "visit", token: "" };
}

export const route = signal<Route>({ page: "visit", token: "" });

const readLocation = (): void => {
  route.value = parseRoute(location.pathname);
};

export function go(path: string): void {
  history.pushState(null, "", BASE_PATH + path);
  route.value = parseRoute(path);
}

/** Keep the route equal to the browser's address. */
export function followLocation(): void {
  readLocation();
  addEventListener("popstate", readLocation);
}
