/** Which page is open. The visit has one address; its screens follow the server's state, not the address. */

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

export function go(path: string): void {
  history.pushState(null, "", path);
  route.value = parseRoute(path);
}

export function followLocation(): void {
  route.value = parseRoute(location.pathname);
  addEventListener("popstate", () => (route.value = parseRoute(location.pathname)));
}
