import { expect, test } from "vitest";
import { ServerError } from "../src/api";
import { Preview, type Values } from "../src/state/preview";

interface Asked {
  query: Record<string, unknown>;
  answer: (text: string) => void;
  fail: (error: unknown) => void;
}

function bench() {
  const asked: Asked[] = [];
  const shown: Values[] = [];
  const errors: unknown[] = [];
  const preview = new Preview(
    "/people/a/preview",
    (_, values) => shown.push(values),
    (error) => errors.push(error),
    (_, query) =>
      new Promise((resolve, reject) =>
        asked.push({ query, answer: (text) => resolve(new Blob([text])), fail: reject }),
      ),
  );
  return { asked, shown, errors, preview };
}

const turn = () => new Promise((resolve) => setTimeout(resolve));

test("while one is asked for, only the newest value waits", async () => {
  const { asked, shown, preview } = bench();
  for (const age of [1, 2, 3, 4]) preview.want({ age });
  expect(asked).toHaveLength(1);
  asked[0]?.answer("one");
  await turn();
  expect(asked.map(({ query }) => query.age)).toEqual([1, 4]);
  asked[1]?.answer("four");
  await turn();
  expect(shown).toEqual([{ age: 1 }, { age: 4 }]);
});

test("numbers grow, so that the server knows what is stale", async () => {
  const { asked, preview } = bench();
  preview.want({ age: 1 });
  asked[0]?.answer("");
  await turn();
  preview.want({ age: 2 });
  expect(Number(asked[1]?.query.n)).toBeGreaterThan(Number(asked[0]?.query.n));
});

test("a stale answer is no error, anything else is", async () => {
  const { asked, errors, preview } = bench();
  preview.want({ age: 1 });
  asked[0]?.fail(new ServerError(409, "stale", "", ""));
  await turn();
  expect(errors).toEqual([]);
  preview.want({ age: 2 });
  asked[1]?.fail(new ServerError(422, "out_of_range", "", ""));
  await turn();
  expect(errors).toHaveLength(1);
});

test("after stop nothing is shown, and it can begin anew", async () => {
  const { asked, shown, preview } = bench();
  preview.want({ age: 1 });
  preview.want({ age: 2 });
  preview.stop();
  asked[0]?.answer("late");
  await turn();
  expect([asked.length, shown.length]).toEqual([1, 0]);
  preview.want({ age: 3 });
  asked[1]?.answer("");
  await turn();
  expect(shown).toEqual([{ age: 3 }]);
});
