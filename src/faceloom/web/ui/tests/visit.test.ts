import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { post, ServerError } from "../src/api";
import { screenOf } from "../src/app";
import { parseRoute } from "../src/route";
import { tilePlace, toggleFace } from "../src/screens/choose_faces";
import { progressText, shownPerson } from "../src/screens/encoding";
import { findPair } from "../src/screens/friend";
import { captionOf } from "../src/screens/play";
import * as state from "../src/state/booth";
import { commitSliders, moveSlider, selectPerson, undo } from "../src/state/edits";
import { failureText } from "../src/state/failures";
import {
  attributeName,
  currentValue,
  endLabels,
  formatResult,
  formatValue,
  isChanged,
  limitText,
} from "../src/state/units";
import type { Person, Progress, Slider, Visit } from "../src/types";
import { language } from "../src/words/words";

const AGE: Slider = { name: "age", unit: "years", min: -40, max: 40, me: 0 };
const SMILE: Slider = { name: "smile", unit: "probability", min: 0, max: 1, me: 0.7 };

const makePerson = (id: string, more: Partial<Person> = {}): Person => ({
  id,
  number: 0,
  playable: true,
  better: false,
  error: null,
  image: `/image/${id}`,
  found: null,
  crop: null,
  preview: `/api/v1/people/${id}/preview`,
  quality: { lpips: null, mse: null, identity: null, word: null },
  traits: { age: 40 },
  sliders: [AGE, SMILE],
  controls: { age: 0, smile: 0.7 },
  outcome: { reached: {}, limited_by: [], kept: true },
  style: "",
  can_undo: false,
  can_redo: false,
  kept: [],
  lineage: [],
  ...more,
});

const makeVisit = (at: Visit["state"], people: Person[] = []): Visit => ({
  id: "v",
  state: at,
  expires: "2030-01-01T00:00:00+00:00",
  seconds_left: 600,
  consent: null,
  photo: null,
  size: null,
  faces: [],
  notes: [],
  people,
  friends: [],
  phone: null,
});

const makeProgress = (more: Partial<Progress> = {}): Progress => ({
  person: "a",
  seconds: 8,
  seconds_left: 2,
  quality: 0.87,
  word: null,
  image: "/image/a",
  playable: false,
  ...more,
});

const answer = (status: number, body: unknown) => vi.fn(async () => new Response(JSON.stringify(body), { status }));

const goBack = () => state.changeVisit(() => post("/visit/back"));

beforeEach(() => {
  state.visit.value = null;
  state.notice.value = null;
  state.online.value = true;
  state.wiped.value = false;
});
afterEach(() => {
  vi.unstubAllGlobals();
  language.value = "en";
});

test("a double click sends one request, with the page's header", async () => {
  const fetched = answer(201, makeVisit("consent"));
  vi.stubGlobal("fetch", fetched);
  await Promise.all([state.startVisit(), state.startVisit()]);
  expect(fetched).toHaveBeenCalledTimes(1);
  const [path, init] = fetched.mock.calls[0] as unknown as [string, RequestInit];
  expect([path, init.method]).toEqual(["/api/v1/visits", "POST"]);
  expect((init.headers as Record<string, string>)["X-Faceloom"]).toBe("1");
  expect(state.visit.value?.state).toBe("consent");
});

test("an answer about the visit that a newer visit overtook is dropped", async () => {
  let answerLate: (response: Response) => void = () => undefined;
  const late = new Promise<Response>((resolve) => {
    answerLate = resolve;
  });
  vi.stubGlobal(
    "fetch",
    vi
      .fn()
      .mockReturnValueOnce(late)
      .mockImplementation(answer(201, makeVisit("consent"))),
  );
  const loaded = state.loadVisit();
  await state.startVisit();
  answerLate(new Response(JSON.stringify({ error: { code: "no_visit" } }), { status: 404 }));
  expect(await loaded).toBe(true);
  expect([state.visit.value?.state, state.wiped.value]).toEqual(["consent", false]);
});

test("path parameters, query and body are sent where they belong", async () => {
  const fetched = answer(200, makePerson("a"));
  vi.stubGlobal("fetch", fetched);
  await post("/people/{id}/edit", { path: { id: "a/b" }, body: { age: 3 } });
  await post("/visit/photo", { query: { add: true }, body: new FormData() });
  const calls = fetched.mock.calls as unknown as [string, RequestInit][];
  expect(calls.map(([path]) => path)).toEqual(["/api/v1/people/a%2Fb/edit", "/api/v1/visit/photo?add=true"]);
  expect(calls[0]?.[1].body).toBe('{"age":3}');
});

test("an error of the server is shown as a sentence in the visitor's language", async () => {
  vi.stubGlobal("fetch", answer(422, { error: { code: "no_face_found", message: "no face", hint: "come closer" } }));
  state.visit.value = makeVisit("camera");
  expect(await goBack()).toBe(false);
  expect(state.notice.value?.message).toMatch(/^No face was found\. Look into the camera.*\.$/);
  language.value = "de";
  await goBack();
  expect(state.notice.value?.message).toMatch(/^Es wurde kein Gesicht gefunden\./);
  expect(failureText({ code: "unknown", message: "no such thing", hint: "try again" })).toBe(
    "No such thing. Try again.",
  );
  expect(failureText({ code: "unknown", message: "" })).toMatch(/^Das hat nicht geklappt\./);
});

test("a tile shows the square around a face, and stays inside the photo", () => {
  const middle = { backgroundSize: "400% 200%", backgroundPosition: "50% 50%" };
  expect(tilePlace([250, 100, 350, 200], [600, 300])).toEqual(middle);
  expect(tilePlace([0, 0, 100, 100], [800, 400]).backgroundPosition).toBe("0% 0%");
  expect(tilePlace([100, 0, 500, 400], [800, 400])).toEqual({
    backgroundSize: "200% 100%",
    backgroundPosition: "25% 0%",
  });
});

test("an answer that is no JSON is an error, too", async () => {
  vi.stubGlobal(
    "fetch",
    vi.fn(async () => new Response("<html>", { status: 502 })),
  );
  await expect(post("/visit/back")).rejects.toBeInstanceOf(ServerError);
});

test("a lost connection does not change the visit", async () => {
  vi.stubGlobal(
    "fetch",
    vi.fn(async () => Promise.reject(new TypeError("failed"))),
  );
  state.visit.value = makeVisit("play", [makePerson("a")]);
  await goBack();
  expect([state.online.value, state.visit.value?.state]).toEqual([false, "play"]);
});

test("a visit that the server does not have is over", async () => {
  vi.stubGlobal("fetch", answer(404, { error: { code: "no_visit", message: "", hint: "" } }));
  state.visit.value = makeVisit("play", [makePerson("a")]);
  await goBack();
  expect([state.visit.value, state.wiped.value]).toEqual([null, true]);
});

test("a wiped visit leaves no state behind", () => {
  state.visit.value = makeVisit("encoding", [makePerson("a")]);
  state.selectedId.value = "a";
  state.receiveProgress(makeProgress());
  state.receiveVisit({ state: "wiped" });
  expect([state.visit.value, state.progress.value, state.selectedId.value]).toEqual([null, {}, ""]);
});

test("the page says what is not deleted yet, and that it is deleted later", async () => {
  vi.stubGlobal("fetch", answer(507, { error: { code: "erase_pending", message: "", hint: "" } }));
  state.visit.value = makeVisit("play", [makePerson("a")]);
  await state.wipeVisit();
  expect([state.visit.value, state.wiped.value, state.erasePending.value]).toEqual([null, true, true]);
  vi.stubGlobal(
    "fetch",
    vi.fn(async () => new Response(null, { status: 204 })),
  );
  await state.eraseAgain();
  expect(state.erasePending.value).toBe(false);
});

test("the encoding screen stays until the visitor plays; a reloaded page plays at once", () => {
  const now = makeVisit("play", [makePerson("a")]);
  expect(screenOf(now, { watchingEncoding: true, addingPerson: false })).toBe("encoding");
  expect(screenOf(now, { watchingEncoding: false, addingPerson: false })).toBe("play");
  expect(screenOf(now, { watchingEncoding: false, addingPerson: true })).toBe("camera");
});

test("the address selects the page", () => {
  expect(parseRoute("/phone/abc")).toEqual({ page: "phone", token: "abc" });
  expect(parseRoute("/nowhere/abc").page).toBe("visit");
  expect(parseRoute("/booth/phone/abc", "/booth")).toEqual({ page: "phone", token: "abc" });
  expect(parseRoute("/booth", "/booth").page).toBe("visit");
  expect(parseRoute("/boothlab", "/booth").page).toBe("visit");
});

test("at most two faces are selected", () => {
  expect([[], [1], [1, 2], [1, 2]].map((picked, n) => toggleFace(picked, [1, 2, 3, 1][n] as number))).toEqual([
    [1],
    [1, 2],
    [2, 3],
    [2],
  ]);
});

test("a pair is the current person and a friend, or the second person of the photo", () => {
  const [a, b, c] = [makePerson("a"), makePerson("b"), makePerson("c")];
  expect(findPair(b, [a, b], [])?.map(({ id }) => id)).toEqual(["b", "a"]);
  expect(findPair(a, [a, b], [c])?.map(({ id }) => id)).toEqual(["a", "c"]);
  expect(findPair(a, [a], [])).toBeNull();
});

test("undo waits for the slider that was just released", async () => {
  const person = makePerson("a");
  state.visit.value = makeVisit("play", [person]);
  const requested: string[] = [];
  vi.stubGlobal("fetch", async (path: string) => {
    await new Promise((later) => setTimeout(later, path.endsWith("/edit") ? 20 : 0));
    requested.push(path);
    return new Response(JSON.stringify(person));
  });
  selectPerson(person);
  moveSlider(person, "age", 10);
  void commitSliders();
  await undo();
  expect(requested.filter((path) => !path.includes("preview"))).toEqual([
    "/api/v1/people/a/edit",
    "/api/v1/people/a/undo",
  ]);
});

test("texts about an encoding", () => {
  expect(progressText(undefined, 0)).toBe("Your face was found. One moment.");
  expect(progressText(undefined, 2)).toBe("Visitors before you: 2");
  expect(progressText(makeProgress({ word: "fair" }), 0)).toBe("It resembles you.");
  expect(progressText(makeProgress({ word: "poor" }), 0)).toMatch(/difficult/);
  expect(progressText(makeProgress({ word: "poor", seconds_left: 7 }), 0)).toBe("It does not look like you yet.");
  expect(progressText(makeProgress({ word: "excellent", playable: true }), 0)).toBe("It looks very much like you.");
});

test("sliders have units and words from the table of attributes", () => {
  const older = makePerson("a", { controls: { age: 12, smile: 0.7 }, traits: { age: 52 } });
  expect([formatValue(AGE, 12), formatValue(AGE, 0), formatValue(SMILE, 0.8)]).toEqual(["+12 years", "0 years", "80%"]);
  expect(formatResult(AGE, older, 20)).toBe("60 years old");
  expect([isChanged(AGE, older), isChanged(SMILE, older)]).toEqual([true, false]);
  expect([attributeName("mouth_open"), attributeName("new_one")]).toEqual(["Mouth", "new one"]);
  language.value = "de";
  expect(endLabels("age")).toEqual(["jünger", "älter"]);
});

test("a slider that stopped shows the reached value, and why it stopped", () => {
  const limited = makePerson("a", {
    controls: { age: 40, smile: 0.9 },
    outcome: { reached: { age: 14, smile: 0.88 }, limited_by: ["skin_tone", "identity", "new_one"], kept: false },
    traits: { age: 54 },
  });
  expect([currentValue(AGE, limited), currentValue(SMILE, limited)]).toEqual([14, 0.9]);
  expect(limitText(AGE, limited)).toBe(
    "This is as far as the face goes without changing the skin tone and the resemblance.",
  );
  expect(limitText(SMILE, limited)).toBe("");
  expect(formatResult(AGE, limited, 14)).toBe("54 years old");
  expect(limitText(AGE, makePerson("b"))).toBe("");
  language.value = "de";
  expect(limitText(AGE, { ...limited, outcome: { ...limited.outcome, limited_by: ["new_one"] } })).toMatch(/new one/);
  expect(limitText(AGE, { ...limited, outcome: { ...limited.outcome, limited_by: ["generator"] } })).toBe(
    "Weiter geht es bei diesem Gesicht nicht.",
  );
});

test("the age on the slider does not jump when the exact result arrives", () => {
  const before = makePerson("a", { traits: { age: 30 } });
  const after = makePerson("a", {
    traits: { age: 48.6 }, // read in the exact picture
    controls: { age: 20, smile: 0.7 },
    outcome: { reached: { age: 18.6 }, limited_by: [], kept: true },
  });
  expect(formatResult(AGE, before, 20)).toBe("50 years old");
  expect(formatResult(AGE, after, 20)).toBe("50 years old");
});

test("the picture tells how much it looks like the photo until it is edited", () => {
  const found = makePerson("a", { quality: { lpips: 0.1, mse: 0.02, identity: 0.9, word: "good" } });
  expect(captionOf(found)).toBe("Generated by AI · It looks like you");
  expect(captionOf({ ...found, better: true })).toBe("Generated by AI · It looks like you · still improving");
  expect(captionOf(makePerson("a"))).toBe("Generated by AI"); // the server hides the quality of an edited picture
});

test("the person whose search runs is the one on the screen", () => {
  const [first, second] = [makePerson("a"), makePerson("b", { playable: false })];
  expect(shownPerson([first, second])?.id).toBe("b");
  expect(shownPerson([makePerson("a", { playable: false }), second])?.id).toBe("a");
  expect(shownPerson([first, makePerson("b")])?.id).toBe("b");
});
