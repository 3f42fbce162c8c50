import { mkdirSync, realpathSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { OutputOf } from "../../src/index.js";
import { serveTasks } from "../cli/task-engine.js";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";
import { verbsOf } from "./verbs.js";

type Created = OutputOf<"tasks.create">;

const PLAN = `version: 1
tasks:
  - { name: ship, type: deploy, after: [build, { name: lint, outcome: ended }] }
  - { name: build, type: make, params: { all: true }, priority: 3, tags: [ci], paths: { write: [src/] } }
  - { name: lint, type: make }
`;

const box = perTest(createSandbox);
const verbs = verbsOf(box);

function plan(text: string, name = "plan.yaml"): string {
  writeFileSync(box.path(name), text);
  return name;
}

const create = async (file: string, ...args: string[]) =>
  await box.json<Created>(["tasks", "create", "--file", file, ...args]);
const outcomes = ({ tasks }: Created) => tasks.map(({ name, outcome }) => `${name} ${outcome}`);
const count = async () => (await box.json<OutputOf<"tasks.list">>(["tasks", "list"])).tasks.length;

describe("`tasks create`", () => {
  it("submits all tasks of a plan with what they say, in whatever order they stand there", async () => {
    const { tasks } = await create(plan(PLAN));
    const [ship, build, lint] = await Promise.all(tasks.map(({ id }) => verbs.show(id)));

    expect(tasks.map(({ state }) => state)).toEqual(["queued", "queued", "queued"]);
    expect(ship).toMatchObject({
      gate: "dependencies",
      dependencies: expect.arrayContaining([
        expect.objectContaining({ id: build?.id, outcome: "completed" }),
        expect.objectContaining({ id: lint?.id, outcome: "ended" }),
      ]),
    });
    expect(build).toMatchObject({
      ...{ type: "make", gate: "open", params: { all: true }, priority: 3, tags: ["name:build", "ci"] },
      paths: [{ mode: "write", space: "", pattern: "src/**" }],
    });
    expect((await verbs.claim()).task.id).toBe(build?.id);
  });

  it("prints a table of what it submitted", async () => {
    const { stdout } = await box.cli(["tasks", "create", "--file", plan(PLAN)]);

    expect(stdout).toMatch(/^ship +[0-9a-f-]{36} +deploy +created +· queued +build, lint$/m);
  });

  it("lets its tasks be told apart and found by their names", async () => {
    const { tasks } = await create(plan(PLAN));
    const { stdout } = await box.cli(["tasks", "list"]);
    const found = await box.json<OutputOf<"tasks.list">>(["tasks", "list", "--tag", "name:lint"]);

    expect(stdout).toMatch(/^TASK +TYPE +NAME +STATE/);
    expect(stdout).toMatch(/make +lint +· queued +an engine or worker/);
    expect(found.tasks.map(({ id }) => id)).toEqual(tasks.filter(({ name }) => name === "lint").map(({ id }) => id));
    expect((await box.cli(["tasks", "show", found.tasks[0]?.id ?? ""])).stdout).toMatch(/^name +lint$/m);
  });

  it("prints the beginning of a long plan, and how many tasks it leaves out", async () => {
    const names = Array.from({ length: 250 }, (_, n) => `  - { name: n${n}, type: make }`);
    const { stdout } = await box.cli([
      ...["tasks", "create", "--file", plan(`version: 1\ntasks:\n${names.join("\n")}\n`)],
    ]);

    expect(stdout).toMatch(/^n199 /m);
    expect(stdout).not.toMatch(/^n200 /m);
    expect(stdout).toMatch(/^… and 50 more; --json has them all$/m);
  });

  it("changes nothing when it is said again, however the file is written", async () => {
    const first = await create(plan(PLAN));
    const second = await create(
      plan(`# the same\n${PLAN.replace("{ all: true }", '{ "all": yes_ }').replace("yes_", "true")}`),
    );

    expect(outcomes(first)).toEqual(["ship created", "build created", "lint created"]);
    expect(outcomes(second)).toEqual(["ship existing", "build existing", "lint existing"]);
    expect(second.key).toBe(first.key);
    expect(await count()).toBe(3);
  });

  it("is another plan when it says something else, unless its key says which plan it is", async () => {
    const keyed = (rest: string) => plan(`version: 1\nkey: release\ntasks:\n  - { name: a, type: t }\n${rest}`);
    const first = await create(plan("version: 1\ntasks: [{ name: a, type: t }]"));
    const other = await create(plan("version: 1\ntasks: [{ name: a, type: t, priority: 1 }]"));
    await create(keyed(""));
    const grown = await create(keyed("  - { name: b, type: t, after: [a] }\n"));

    expect(other.tasks[0]?.id).not.toBe(first.tasks[0]?.id);
    expect(outcomes(grown)).toEqual(["a existing", "b created"]);
    expect(grown.key).toBe("release");
  });

  it("submits nothing when one of them is refused", async () => {
    await create(plan("version: 1\nkey: k\ntasks: [{ name: b, type: t, params: 1 }]"));
    const changed = plan("version: 1\nkey: k\ntasks: [{ name: a, type: t }, { name: b, type: t, params: 2 }]");
    const refusal = await verbs.refused(["tasks", "create", "--file", changed]);

    expect(refusal).toMatchObject({ exit: 4, code: "task_conflict", details: { name: "b", differs: "params" } });
    expect(refusal.hint).toContain("key");
    expect(await count()).toBe(1);
  });

  it("says what it would submit with --dry-run, and submits nothing", async () => {
    await create(plan("version: 1\nkey: k\ntasks: [{ name: a, type: t }]"));
    const more = plan("version: 1\nkey: k\ntasks: [{ name: a, type: t }, { name: b, type: t }]");
    const dry = await create(more, "--dry-run");

    expect(outcomes(dry)).toEqual(["a existing", "b created"]);
    expect(dry.tasks.map(({ state }) => state)).toEqual(["queued", null]);
    expect(await count()).toBe(1);
    expect((await create(more)).tasks.map(({ id }) => id)).toEqual(dry.tasks.map(({ id }) => id));
  });

  it("names every fault with its line and column, and submits nothing", async () => {
    const file = plan(`version: 1
tasks:
  - { name: a, type: t, after: [c] }
  - { name: b, type: command, params: { argv: make } }
`);
    const refusal = await verbs.refused(["tasks", "create", "--file", file]);

    expect(refusal).toMatchObject({ exit: 2, code: "invalid_plan" });
    expect(refusal.message.split("\n").slice(1)).toEqual([
      'plan.yaml:3:33 no task is named "c" (did you mean "a"?)',
      expect.stringMatching(/^plan\.yaml:4:47 params of a command: /),
    ]);
    expect(await verbs.refused(["tasks", "create", "--file", "none.yaml"])).toMatchObject({ code: "invalid_input" });
    expect(await count()).toBe(0);
  });

  it("takes the plan from standard input", async () => {
    const created = await box.json<Created>(["tasks", "create", "--file", "-"], { input: PLAN });
    const refusal = await verbs.refused(["tasks", "create", "--file", "-"], { input: "version: 1\ntasks: [a]" });

    expect(created.tasks).toHaveLength(3);
    expect(refusal.message).toContain("standard input:2:9 expected a map");
  });

  it("executes commands in the directory of the plan, and makes other tasks of it elsewhere", async () => {
    for (const name of ["left", "right"]) mkdirSync(box.path(name));
    const text = "version: 1\ntasks: [{ name: where, type: command, params: { argv: [pwd] } }]";
    const [left, right] = [await create(plan(text, "left/plan.yaml")), await create(plan(text, "right/plan.yaml"))];
    await serveTasks(box);
    const [id = "", other = ""] = [left.tasks[0]?.id, right.tasks[0]?.id];
    await box.cli(["tasks", "wait", id, other]);
    const { run_id: run } = (await verbs.show(id)).result as { run_id: string };

    expect(id).not.toBe(other);
    expect((await box.cli(["runs", "logs", run])).stdout).toBe(`${realpathSync(box.path("left"))}\n`);
  });

  it("takes ten thousand tasks in a chain", async () => {
    const lines = Array.from(
      { length: 10_000 },
      (_, n) => `  - { name: t${n}, type: t, after: [${n === 0 ? "" : `t${n - 1}`}] }`,
    );
    const { tasks } = await create(plan(`version: 1\ntasks:\n${lines.join("\n")}\n`));

    expect(tasks).toHaveLength(10_000);
    expect((await verbs.claim()).task.id).toBe(tasks[0]?.id);
  });
});
