/** The open page, by the address. All screens of a visit share one address: the server's state selects the screen. */

import { signal } from "@preact/signals";

export interface Route {
  page: "visit" | "random" | "lab" | "operator" | "gallery" | "phone";
  token: string;
}

const PAGES = new Set(["random", "lab", "operator", "gallery", "phone"]);

export function parseRoute(path: string): Route {
  const [page = "", token = ""] = path.split("/").filter(Boolean);
  return PAGES.has(page) ? { page: page as Route["page"], token } : { page: "visit", token: "" };
}

export const route = signal<Route>({ page: "visit", token: "" });

const readLocation = (): void => {
  route.value = parseRoute(location.pathname);
};

export function go(path: string): void {
  history.pushState(null, "", path);
  route.value = parseRoute(path);
}

/** Keep the route equal to the browser's address. */
export function followLocation(): void {
  readLocation();
  addEventListener("popstate", readLocation);
}
