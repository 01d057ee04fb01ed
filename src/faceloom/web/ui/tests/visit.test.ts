import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { screenOf } from "../src/app";
import { parseRoute } from "../src/route";
import { toggle } from "../src/screens/choose_faces";
import { progressText } from "../src/screens/encoding";
import { pair } from "../src/screens/friend";
import * as state from "../src/state/booth";
import { commitSliders, editPerson, moveSlider, selectPerson } from "../src/state/edits";
import { formatResult, formatValue, isChanged } from "../src/state/units";
import type { Control, Person, Progress, Visit } from "../src/types";

const AGE: Control = { name: "age", unit: "years", min: -40, max: 40, me: 0 };
const SMILE: Control = { name: "smile", unit: "probability", min: 0, max: 1, me: 0.7 };

const somebody = (id: string, more: Partial<Person> = {}): Person => ({
  id,
  number: 0,
  playable: true,
  better: false,
  image: `/image/${id}`,
  found: null,
  crop: null,
  quality: {},
  traits: { age: 40 },
  sliders: [AGE, SMILE],
  controls: { age: 0, smile: 0.7 },
  can_undo: false,
  can_redo: false,
  kept: [],
  lineage: [],
  ...more,
});

const visiting = (at: Visit["state"], people: Person[] = []): Visit => ({
  id: "v",
  state: at,
  expires: "2030-01-01T00:00:00+00:00",
  photo: null,
  faces: [],
  people,
});

const answer = (status: number, body: unknown) => vi.fn(async () => new Response(JSON.stringify(body), { status }));

beforeEach(() => {
  state.visit.value = null;
  state.notice.value = null;
  state.online.value = true;
  state.wiped.value = false;
});
afterEach(() => vi.unstubAllGlobals());

test("a call that changes something carries the page's header, once", async () => {
  const fetched = answer(201, visiting("consent"));
  vi.stubGlobal("fetch", fetched);
  await Promise.all([state.startVisit(), state.startVisit()]); // a double click
  expect(fetched).toHaveBeenCalledTimes(1);
  const [path, init] = fetched.mock.calls[0] as unknown as [string, RequestInit];
  expect([path, init.method]).toEqual(["/api/v1/visits", "POST"]);
  expect((init.headers as Record<string, string>)["X-Faceloom"]).toBe("1");
  expect(state.visit.value?.state).toBe("consent");
});

test("what the server refuses is said to people, with what to do", async () => {
  vi.stubGlobal("fetch", answer(422, { error: { code: "no_face_found", message: "no face", hint: "come closer" } }));
  state.visit.value = visiting("camera");
  expect(await state.changeVisit("/visit/photo")).toBe(false);
  expect(state.notice.value).toEqual({ message: "no face", hint: "come closer" });
});

test("a server that is away takes nothing from the visit", async () => {
  vi.stubGlobal(
    "fetch",
    vi.fn(async () => Promise.reject(new TypeError("failed"))),
  );
  state.visit.value = visiting("play", [somebody("a")]);
  await state.changeVisit("/visit/back");
  expect([state.online.value, state.visit.value?.state]).toEqual([false, "play"]);
});

test("a visit that the server no longer knows is over", async () => {
  vi.stubGlobal("fetch", answer(404, { error: { code: "no_visit", message: "", hint: "" } }));
  state.visit.value = visiting("play", [somebody("a")]);
  await state.changeVisit("/visit/back");
  expect([state.visit.value, state.wiped.value]).toEqual([null, true]);
});

test("wiped leaves nothing behind", () => {
  state.visit.value = visiting("encoding", [somebody("a")]);
  state.selectedId.value = "a";
  state.receiveProgress({ person: "a", seconds: 3, seconds_left: 7, quality: 0.5 });
  state.receive({ state: "wiped" } as Visit);
  expect([state.visit.value, state.progress.value, state.selectedId.value]).toEqual([null, {}, ""]);
});

test("whoever watched themselves appear says when to play; who comes back plays at once", () => {
  const now = visiting("play", [somebody("a")]);
  expect(screenOf(now, { looking: true, adding: false })).toBe("encoding");
  expect(screenOf(now, { looking: false, adding: false })).toBe("play");
  expect(screenOf(now, { looking: false, adding: true })).toBe("camera");
  expect(screenOf(visiting("welcome"), { looking: false, adding: false })).toBe("consent");
});

test("pages by their address", () => {
  expect(parseRoute("/phone/abc")).toEqual({ page: "phone", token: "abc" });
  expect(parseRoute("/nowhere/abc").page).toBe("visit");
});

test("never more than two faces", () => {
  expect([[], [1], [1, 2], [1, 2]].map((picked, n) => toggle(picked, [1, 2, 3, 1][n] as number))).toEqual([
    [1],
    [1, 2],
    [2, 3],
    [2],
  ]);
});

test("a pair is the one who plays and a friend, or the other face of the photo", () => {
  const [a, b, c] = [somebody("a"), somebody("b"), somebody("c")];
  expect(pair(b, [a, b], [])?.map(({ id }) => id)).toEqual(["b", "a"]);
  expect(pair(a, [a, b], [c])?.map(({ id }) => id)).toEqual(["a", "c"]);
  expect(pair(a, [a], [])).toBeNull();
});

test("undo comes after the slider that was just let go", async () => {
  const one = somebody("a");
  state.visit.value = visiting("play", [one]);
  const asked: string[] = [];
  vi.stubGlobal("fetch", async (path: string) => {
    await new Promise((later) => setTimeout(later, path.endsWith("/controls") ? 20 : 0));
    asked.push(path);
    return new Response(JSON.stringify(one));
  });
  selectPerson(one);
  moveSlider(one, "age", 10);
  void commitSliders();
  await editPerson("undo");
  expect(asked.filter((path) => !path.includes("preview"))).toEqual([
    "/api/v1/people/a/controls",
    "/api/v1/people/a/undo",
  ]);
});

test("words of a search", () => {
  const now = (more: Partial<Progress>): Progress => ({
    person: "a",
    seconds: 8,
    seconds_left: 2,
    quality: 0.87,
    ...more,
  });
  expect(progressText(undefined, 0)).toBe("Found you. One moment.");
  expect(progressText(undefined, 2)).toBe("2 before you");
  expect(progressText(now({}), 0)).toBe("Getting closer: 87% alike");
  expect(progressText(now({ quality: 0.3 }), 0)).toMatch(/difficult/);
  expect(progressText(now({ playable: true }), 0)).toBe("This is you: 87% alike");
});

test("sliders in units", () => {
  const older = somebody("a", { controls: { age: 12, smile: 0.7 }, traits: { age: 52 } });
  expect([formatValue(AGE, 12), formatValue(AGE, 0), formatValue(SMILE, 0.8)]).toEqual(["+12 years", "0 years", "80%"]);
  expect(formatResult(AGE, older, 20)).toBe("about 60");
  expect([isChanged(AGE, older), isChanged(SMILE, older)]).toEqual([true, false]);
});
