import { writeFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { defineTask, type OperationName, type OutputOf, openEngine } from "../../src/index.js";
import type { CliResult } from "../harness/cli-process.js";
import { createSandbox, type Sandbox } from "../harness/sandbox.js";

interface Known {
  readonly run: string;
  readonly spare: string;
  readonly batch: string;
  /** One that waits, and one that an engine has completed. */
  readonly task: string;
  readonly done: string;
  /** Claimed one by one, each with its fence; the last one asks a person. */
  readonly claims: readonly (readonly [id: string, fence: string])[];
}

type Claim = Known["claims"][number];
const claimOf = ({ claims }: Known, index: number): Claim => claims[index] as Claim;
const fenced = (known: Known, index: number, ...args: string[]): string[] => {
  const [id, fence] = claimOf(known, index);
  return [id, "--fence", fence, ...args];
};

/** What each operation is asked here. Total by type: an operation that is not tried does not compile. */
const ARGUMENTS: { readonly [N in OperationName]: (known: Known) => readonly string[] } = {
  "runs.submit": () => ["run", "good", "--label", "team=blue", "--env", "MODE=fast", "--", "an argument"],
  "runs.exec": () => ["exec", "--ref", "echo", "--", "echo", "hello"],
  "runs.list": () => ["runs", "list"],
  "runs.show": ({ run }) => ["runs", "show", run],
  "runs.logs": ({ run }) => ["runs", "logs", run],
  "runs.attach": ({ run }) => ["runs", "attach", run],
  "runs.wait": ({ run }) => ["runs", "wait", run],
  "runs.cancel": ({ run }) => ["runs", "cancel", run],
  "runs.artifacts": ({ run }) => ["runs", "artifacts", run],
  "runs.pin": ({ run }) => ["runs", "pin", run],
  "runs.unpin": ({ run }) => ["runs", "unpin", run],
  "runs.rm": ({ spare }) => ["runs", "rm", spare],
  "runs.history": () => ["history", "bad", "--since", "1d"],
  "plans.check": () => ["plan", "check", "plan.yaml"],
  "batches.run": () => ["batch", "run", "plan.yaml", "--staging", "1"],
  "batches.list": () => ["batch", "list"],
  "batches.show": ({ batch }) => ["batch", "show", batch],
  "batches.watch": ({ batch }) => ["batch", "watch", batch],
  "batches.cancel": ({ batch }) => ["batch", "cancel", batch],
  "machines.list": () => ["machines", "list"],
  "machines.show": () => ["machines", "show", "local"],
  "machines.check": () => ["machines", "check"],
  "machines.drain": () => ["machines", "drain", "local", "--reason", "new disk"],
  "machines.undrain": () => ["machines", "undrain", "local"],
  "machines.import": () => ["machines", "import", "--ssh-config", "ssh_config"],
  "machines.gc": () => ["machines", "gc", "--older-than", "0s", "--dry-run"],
  "system.serve": () => ["serve", "--port", "0"],
  "system.why": ({ batch }) => ["why", batch],
  "events.watch": () => ["watch", "--after", "0", "--no-follow"],
  "system.doctor": () => ["doctor"],
  "store.info": () => ["store", "info"],
  "store.gc": () => ["store", "gc", "--older-than", "0s", "--dry-run"],
  "config.show": () => ["config", "show"],
  "system.schema": () => ["schema", "runs.submit"],
  "vars.set": () => ["vars", "set", "number", "7"],
  "vars.cas": () => ["vars", "cas", "number", "8", "--rev", "1"],
  "vars.get": () => ["vars", "get", "number"],
  "vars.incr": () => ["vars", "incr", "number"],
  "vars.list": () => ["vars", "list"],
  "vars.rm": () => ["vars", "rm", "number"],
  "cache.set": () => ["cache", "set", "built", "bytes", "--ttl", "1h"],
  "cache.get": () => ["cache", "get", "built"],
  "cache.list": () => ["cache", "list"],
  "cache.rm": () => ["cache", "rm", "built", "nothing"],
  "cache.run": () => ["cache", "run", "--key-files", "good", "plan.yaml", "--key", "1", "--", "echo", "made"],
  "cache.clear": () => ["cache", "clear"],
  "tasks.submit": () => ["tasks", "submit", "greet", "--params", '{"name":"ann"}', "--tag", "blue"],
  "tasks.list": () => ["tasks", "list"],
  "tasks.show": ({ task }) => ["tasks", "show", task],
  "tasks.logs": ({ done }) => ["tasks", "logs", done],
  "tasks.wait": ({ done }) => ["tasks", "wait", done],
  "tasks.cancel": ({ task }) => ["tasks", "cancel", task],
  "tasks.retry": ({ task }) => ["tasks", "retry", task],
  "tasks.rm": ({ task }) => ["tasks", "rm", "--force", task],
  "tasks.pause": () => ["tasks", "pause", "greet"],
  "tasks.resume": () => ["tasks", "resume", "greet"],
  "tasks.stats": () => ["tasks", "stats"],
  "tasks.top": () => ["tasks", "top", "--once"],
  "tasks.check": () => ["tasks", "check", "tasks.mjs"],
  "tasks.import": () => ["tasks", "import", "list.json"],
  "tasks.dispatch.parent": ({ done }) => ["tasks", "dispatch", "parent", "--task-id", done],
  "tasks.dispatch.worker": (known) => [
    ...["tasks", "dispatch", "worker", "--worker-agent-id", "ann/1"],
    ...["--task-id", claimOf(known, 0)[0], "--task-thread", claimOf(known, 0)[0]],
  ],
  "tasks.create": () => ["tasks", "create", "--file", "tasks.yaml"],
  "tasks.ready": () => ["tasks", "ready"],
  "tasks.claim": () => ["tasks", "claim", "--type", "planned", "--write", "src/**"],
  "tasks.heartbeat": (known) => ["tasks", "heartbeat", ...fenced(known, 0)],
  "tasks.progress": (known) => ["tasks", "progress", ...fenced(known, 0), '{"done":1}'],
  "tasks.note": (known) => ["tasks", "note", ...fenced(known, 0), "half way"],
  "tasks.notes": (known) => ["tasks", "notes", claimOf(known, 0)[0]],
  "tasks.handoff": (known) => ["tasks", "handoff", ...fenced(known, 1, "--to", "bob")],
  "tasks.result": (known) => ["tasks", "result", ...fenced(known, 2, "--kind", "fork", "--summary", "two ways")],
  "tasks.release": (known) => ["tasks", "release", ...fenced(known, 3, "--reason", "too hot")],
  "tasks.reclaim": (known) => ["tasks", "reclaim", claimOf(known, 4)[0], "--reason", "it sleeps", "--force"],
  "tasks.answer": (known) => ["tasks", "answer", claimOf(known, 5)[0], "the left one"],
  "tasks.link": (known) => ["tasks", "link", claimOf(known, 0)[0], claimOf(known, 3)[0]],
  "tasks.unlink": (known) => ["tasks", "unlink", claimOf(known, 0)[0], claimOf(known, 3)[0]],
  "workers.work": () => ["work", "--types", "nothing", "--drain", "--", "true"],
  "workers.list": () => ["workers", "list"],
  "workers.show": (known) => ["workers", "show", claimOf(known, 0)[0]],
  "workers.watch": () => ["workers", "watch", "--once"],
  "gates.list": () => ["gates", "list"],
  "gates.hold": () => ["gates", "hold", "warm-up", "--reason", "cold caches"],
  "gates.release": () => ["gates", "release", "warm-up"],
  "store.destroy": () => ["store", "destroy", "--yes"],
};

/** What goes on until it is told to stop, and what it says once it is under way. */
const ENDLESS: { readonly [N in OperationName]?: RegExp } = { "system.serve": /serve\.listening/ };

const NAMES = Object.keys(ARGUMENTS) as OperationName[];

const isTime = (text: string): boolean => {
  const at = new Date(text);
  return !Number.isNaN(at.getTime()) && at.toISOString() === text;
};

type Schema = OutputOf<"system.schema">["operations"][number];

let box: Sandbox;
let known: Known;

async function schemaOf(name: string): Promise<Schema> {
  const { operations } = await box.json<OutputOf<"system.schema">>(["schema", name]);
  return operations[0] as Schema;
}

/** A check of one line of `--json`: the envelope, and its data against the published schema. */
function checkLine(schema: Schema, line: string): void {
  const ajv = new Ajv2020({ allErrors: true, formats: { "date-time": isTime } });
  const validate = ajv.compile(schema.output ?? {});
  const envelope = JSON.parse(line) as { data: unknown };
  expect(envelope).toEqual({ schema_version: "v1", ok: true, data: envelope.data });
  validate(envelope.data);
  expect(validate.errors, line.slice(0, 2_000)).toBeNull();
}

async function answerOf(name: OperationName): Promise<CliResult> {
  const args = insertJson(ARGUMENTS[name](known));
  const underWay = ENDLESS[name];
  if (underWay === undefined) return await box.cli(args);
  const live = box.spawnCli(args);
  await live.says(underWay);
  live.kill("SIGTERM");
  return await live.ended;
}

/** By an engine of this process. @returns its id */
async function completeTask(): Promise<string> {
  const params = { "~standard": { version: 1, vendor: "test", validate: (value: unknown) => ({ value }) } } as const;
  const greet = defineTask({ type: "greeted", params, run: (_params, ctx) => ctx.log("hello") });
  const engine = await openEngine({ store: `file:${box.home}/waybill.db`, tasks: [greet] });
  await engine.start();
  const { id } = await engine.tasks.submit(greet, null);
  await engine.tasks.result(id);
  await engine.close();
  return id;
}

/** @returns its id and its fence */
async function claimOne(index: number): Promise<Claim> {
  await box.json(["tasks", "submit", `claimed-${index}`, "--tag", "work", "--read", "docs/"]);
  const { task, fence } = await box.json<OutputOf<"tasks.claim">>(["tasks", "claim", "--type", `claimed-${index}`]);
  return [task.id, String(fence)];
}

beforeAll(async () => {
  box = createSandbox();
  box.work("good", 'echo "hello $1"; echo left > "$WAYBILL_ARTIFACTS_DIR/left"');
  box.work("bad", "printf '\\377\\376'; exit 3");
  writeFileSync(box.path("ssh_config"), "Host gpu\n  User ci\n");
  box.tasks("tasks.mjs", 'export const greet = defineTask({ type: "greet", params: anything, run: () => "hello" });');
  box.plan("plan.yaml", [
    { name: "good", machine: "local" },
    { name: "nowhere", dir: "bad", tag: "gpu" },
  ]);
  const submitted = await box.json<OutputOf<"runs.submit">>(["run", "bad"]);
  const spare = await box.json<OutputOf<"runs.submit">>(["run", "good", "--new"]);
  const report = await box.json<OutputOf<"batches.run">>(["batch", "run", "plan.yaml", "--staging", "0"]);
  const { task } = await box.json<OutputOf<"tasks.submit">>(["tasks", "submit", "later", "--delay", "1h"]);
  const done = await completeTask();
  const claims: Claim[] = [];
  for (const index of [0, 1, 2, 3, 4, 5]) claims.push(await claimOne(index));
  const [asking = "", fence = ""] = claims.at(-1) ?? [];
  await box.cli(["tasks", "result", asking, "--fence", fence, "--kind", "needs_input", "--summary", "which one?"]);
  writeFileSync(box.path("list.json"), '[{ "id": "a", "title": "Do a", "status": "open" }]');
  writeFileSync(box.path("tasks.yaml"), "version: 1\ntasks: [{ name: a, type: planned }]\n");
  if (report.kind !== "report") throw new Error("Expected a report of the batch.");
  known = { run: submitted.run.id, spare: spare.run.id, batch: report.batch.id, task: task.id, done, claims };
});
afterAll(() => box.dispose());

describe("--json", () => {
  it("is tried here for every operation that `waybill schema` lists", async () => {
    const { operations } = await box.json<OutputOf<"system.schema">>(["schema"]);

    expect(operations.map((o) => o.name).sort()).toEqual([...NAMES].sort());
  });

  it.each(NAMES)("answers %s as its published schema says, one value a line", async (name) => {
    const schema = await schemaOf(name);
    const { stdout } = await answerOf(name);
    const lines = stdout.split("\n");

    expect(lines.pop()).toBe("");
    expect(lines.length).toBeGreaterThanOrEqual(1);
    if (!schema.stream) expect(lines).toHaveLength(1);
    for (const line of lines) checkLine(schema, line);
  });

  it("answers history without a ref with the refs that the schema of runs.history allows", async () => {
    const { stdout } = await box.cli(["history", "--json"]);

    checkLine(await schemaOf("runs.history"), stdout.trimEnd());
    expect(JSON.parse(stdout)).toMatchObject({ data: { kind: "refs" } });
  });

  it("answers a dry run with the placement that the schema of batches.run allows", async () => {
    const { stdout } = await box.cli(["batch", "run", "plan.yaml", "--staging", "2", "--dry-run", "--json"]);

    checkLine(await schemaOf("batches.run"), stdout.trimEnd());
    expect(JSON.parse(stdout)).toMatchObject({ data: { kind: "placement", existing_batch_id: null } });
  });
});

function insertJson(args: readonly string[]): readonly string[] {
  const at = args.indexOf("--");
  return at < 0 ? [...args, "--json"] : [...args.slice(0, at), "--json", ...args.slice(at)];
}
