import { expect, test } from "vitest";
import { ServerError } from "../src/api";
import { Preview, type Values } from "../src/state/preview";

interface Requested {
  query: URLSearchParams;
  answer: (text: string) => void;
  fail: (error: unknown) => void;
}

function makePreview() {
  const requested: Requested[] = [];
  const shown: Values[] = [];
  const errors: unknown[] = [];
  const preview = new Preview(
    "/people/a/preview",
    (_, values) => shown.push(values),
    (error) => errors.push(error),
    (url) =>
      new Promise((resolve, reject) =>
        requested.push({
          query: new URL(url, "http://booth").searchParams,
          answer: (text) => resolve(new Blob([text])),
          fail: reject,
        }),
      ),
  );
  return { requested, shown, errors, preview };
}

const nextTurn = () => new Promise((resolve) => setTimeout(resolve));

test("while one is requested for, only the newest value waits", async () => {
  const { requested, shown, preview } = makePreview();
  for (const age of [1, 2, 3, 4]) preview.request({ age });
  expect(requested).toHaveLength(1);
  requested[0]?.answer("one");
  await nextTurn();
  expect(requested.map(({ query }) => query.get("age"))).toEqual(["1", "4"]);
  requested[1]?.answer("four");
  await nextTurn();
  expect(shown).toEqual([{ age: 1 }, { age: 4 }]);
});

test("request numbers grow, so that the server recognizes outdated requests", async () => {
  const { requested, preview } = makePreview();
  preview.request({ age: 1 });
  requested[0]?.answer("");
  await nextTurn();
  preview.request({ age: 2 });
  expect(Number(requested[1]?.query.get("n"))).toBeGreaterThan(Number(requested[0]?.query.get("n")));
});

test("an outdated request is no error, but every other failure is", async () => {
  const { requested, errors, preview } = makePreview();
  preview.request({ age: 1 });
  requested[0]?.fail(new ServerError(409, "stale", "", ""));
  await nextTurn();
  expect(errors).toEqual([]);
  preview.request({ age: 2 });
  requested[1]?.fail(new ServerError(422, "out_of_range", "", ""));
  await nextTurn();
  expect(errors).toHaveLength(1);
});

test("after stop nothing is shown, and new requests work", async () => {
  const { requested, shown, preview } = makePreview();
  preview.request({ age: 1 });
  preview.request({ age: 2 });
  preview.stop();
  requested[0]?.answer("late");
  await nextTurn();
  expect([requested.length, shown.length]).toEqual([1, 0]);
  preview.request({ age: 3 });
  requested[1]?.answer("");
  await nextTurn();
  expect(shown).toEqual([{ age: 3 }]);
});
