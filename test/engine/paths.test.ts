/** Tasks that say what they read and write. */
import { expect, it } from "vitest";
import { defineTask, type TaskContext } from "../../src/index.js";
import { perTest } from "../harness/per-test.js";
import { until } from "../harness/until.js";
import { anything, createWorkshop, latch } from "./workshop.js";

const shop = perTest(createWorkshop);

it("never runs two handlers of which one writes what the other reads or writes, in two engines with slots to spare", async () => {
  const under = new Map<string, TaskContext["paths"]>();
  const together: string[][] = [];
  const edit = defineTask({
    type: "edit",
    params: anything,
    run: async (_params, ctx) => {
      under.set(ctx.taskId, ctx.paths);
      together.push([...under.values()].flat().map(({ mode, pattern }) => `${mode} ${pattern}`));
      await new Promise((resolve) => setImmediate(resolve));
      under.delete(ctx.taskId);
    },
  });
  const engines = [await shop.engine([edit]), await shop.engine([edit])];
  for (const engine of engines) await engine.start();
  const [engine] = engines;
  const paths = ["read src/", "write src/a.ts", "write **", "read docs/", "write docs/b.md"].map((scope) => {
    const [mode, pattern = ""] = scope.split(" ");
    return { mode: mode as "read" | "write", pattern };
  });
  const tasks = await Promise.all(
    Array.from({ length: 60 }, (_, n) => engine?.tasks.submit(edit, n, { paths: paths.slice(n % 5, (n % 5) + 1) })),
  );
  for (const task of tasks) await task?.result();
  const apart = [
    ["write **", "read src/**"],
    ["write **", "write docs/b.md"],
    ["write src/a.ts", "read src/**"],
    ["write docs/b.md", "read docs/**"],
  ] as const;
  for (const [one, other] of apart)
    expect(together.filter((all) => all.includes(one) && all.includes(other))).toEqual([]);
  for (const scope of ["write **", "write src/a.ts", "write docs/b.md"]) {
    expect(together.filter((all) => all.indexOf(scope) !== all.lastIndexOf(scope))).toEqual([]);
  }
  expect(together.filter((all) => all.length > 1).length).toBeGreaterThan(0);
});

it("goes on by itself once the task that has the paths ends, and tells where it was found", async () => {
  const gate = latch();
  const seen: unknown[] = [];
  const edit = defineTask({
    type: "edit",
    params: anything,
    run: async (wait, ctx) => {
      seen.push([ctx.tags, ctx.paths]);
      if (wait === true) await gate.promise;
    },
  });
  const engine = await shop.engine([edit]);
  await engine.start();
  const first = await engine.tasks.submit(edit, true, { paths: [{ mode: "write", pattern: "./a//" }], tags: ["t"] });
  await until("the first runs", () => seen.length === 1);
  const options = {
    paths: [{ mode: "read", pattern: "a/b", space: "" }],
    discoveredFrom: first.id.toUpperCase(),
  } as const;
  const second = await engine.tasks.submit(edit, false, options);
  await until("the second waits", async () => (await engine.tasks.get(second.id))?.gate === "paths");
  gate.open();
  await second.result();
  expect(seen).toEqual([
    [["t"], [{ mode: "write", space: "", pattern: "a/**" }]],
    [[], [{ mode: "read", space: "", pattern: "a/b" }]],
  ]);
  expect(await shop.store.links.linksOf(second.id)).toEqual([
    { from: first.id, to: second.id, kind: "discovered_from", outcome: null },
  ]);
});

it("refuses paths that leave the repository before anything is recorded", async () => {
  const edit = defineTask({ type: "edit", params: anything, run: () => null });
  const engine = await shop.engine([edit]);
  const outside = engine.tasks.submit(edit, null, { paths: [{ mode: "write", pattern: "../x" }] });
  await expect(outside).rejects.toMatchObject({ code: "invalid_input" });
  await expect(engine.tasks.submit(edit, null, { discoveredFrom: "x" })).rejects.toMatchObject({
    code: "invalid_task_id",
  });
  expect(await engine.tasks.list()).toEqual([]);
});
