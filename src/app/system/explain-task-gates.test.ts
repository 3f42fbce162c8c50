import { afterEach, beforeEach, expect, it } from "vitest";
import { toPathScope } from "../../domain/path-scope.js";
import type { Task } from "../../domain/task.js";
import { claim, claimOne, end, engineLease, newTask, submit } from "../../store/conformance/given-tasks.js";
import { openSqliteStore } from "../../store/sqlite/open-sqlite-store.js";
import type { Store } from "../../store/store.js";
import { explainPaths } from "./explain-task-gates.js";

let store: Store;
beforeEach(async () => {
  store = await openSqliteStore({ path: ":memory:" });
});
afterEach(() => store.close());

it("why a task waits for paths says who has them, and when they are free but many are called before it", async () => {
  const lease = await engineLease(store);
  await submit(store, { paths: [toPathScope("write", "**")] });
  const holder = await claimOne(store, lease);
  const waiting = Array.from({ length: 300 }, (_, n) => newTask({ paths: [toPathScope("write", `f${n}`)] }));
  await store.tasks.submitTasks(waiting);
  expect(await claim(store, lease)).toEqual([]);
  const last = (await store.tasks.getTask(waiting.at(-1)?.id ?? "")) as Task;
  expect(await explainPaths(store, last)).toMatchObject({ holders: [`${holder.id}, running: write **`] });
  await end(store, holder);
  expect(await explainPaths(store, last)).toMatchObject({
    message: expect.stringContaining("one of the next claims"),
    holders: [],
  });
});
