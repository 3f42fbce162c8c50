import { spawnSync } from "node:child_process";
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BatchReport, OutputOf } from "../../src/index.js";
import { processesWith } from "../harness/processes.js";
import { createSandbox, type Sandbox } from "../harness/sandbox.js";
import { gateIn } from "./gate.js";

/** Not in any file of the test's, so that finding it means that Waybill wrote it. */
const SECRET = ["s3cr", "t-v4", "lue-", String(process.pid)].join("");

let box: Sandbox;
beforeAll(() => {
  box = createSandbox();
  box.machines({ left: { work_dir: "machines/left" }, right: { work_dir: "machines/right" } });
});
afterAll(() => box.dispose());

const holders = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => readFileSync(file).includes(SECRET));

/** Living processes of the sandbox whose command line shows the secret, as `ps` would show it to anybody. */
const tellers = () => processesWith(box.dir).filter(({ command }) => command.includes(SECRET));

async function everythingThatIsTold(id: string): Promise<string> {
  const asked = [
    ["runs", "show", id],
    ["runs", "list"],
    ["watch", "--after", "0", "--no-follow"],
    ["why", id],
  ];
  asked.push(["batch", "list"], ["store", "info"], ["config", "show"], ["machines", "list"]);
  const answers = await Promise.all(asked.map((args) => box.cli([...args, "--json"], { env: { TOKEN: SECRET } })));
  return answers.map((answer) => answer.stdout + answer.stderr).join("\n");
}

describe("a value taken from the environment", () => {
  it("by `--env NAME` is in no file, no command line and no answer, while the run goes on and afterwards", async () => {
    const gate = gateIn(box, "flag");
    box.work("flag", `${gate.script}; [ "$TOKEN" = "$(printf %s "$1" | rev)" ]`);
    const reversed = [...SECRET].reverse().join("");
    const submit = ["run", "flag", "--machine", "left", "--env", "TOKEN", "--detach", "--json", "--", reversed];
    const submitted = await box.cli(submit, { env: { TOKEN: SECRET } });
    const { run } = (JSON.parse(submitted.stdout) as { data: OutputOf<"runs.submit"> }).data;
    await gate.reached();

    expect([holders(box.dir), tellers()]).toEqual([[], []]);
    expect(submitted.stdout + submitted.stderr + (await everythingThatIsTold(run.id))).not.toContain(SECRET);
    gate.open();
    expect((await box.cli(["runs", "wait", run.id])).code).toBe(0);
    expect(holders(box.dir)).toEqual([]);
  });

  it("by `from_env` in a plan is in no file, no command line and no answer, and reaches the program", async () => {
    const gate = gateIn(box, "plan");
    box.work("planned", `${gate.script}; [ \${#TOKEN} -eq ${SECRET.length} ]`);
    const entry = { name: "a", dir: "planned", machine: "right", env: { TOKEN: { from_env: "TOKEN" } } };
    writeFileSync(box.path("plan.yaml"), JSON.stringify({ version: 1, entries: [entry, { ...entry, name: "b" }] }));
    const args = ["batch", "run", "plan.yaml", "--staging", "1"];
    const { batch } = await box.json<BatchReport>([...args, "--detach"], { env: { TOKEN: SECRET } });
    await gate.reached();

    expect([holders(box.dir), tellers()]).toEqual([[], []]);
    expect(await everythingThatIsTold(batch.id)).not.toContain(SECRET);
    gate.open();
    expect((await box.cli(["batch", "watch", batch.id], { env: { TOKEN: SECRET } })).code).toBe(0);
    expect(holders(box.dir)).toEqual([]);
  });
});

describe("another user of the computer", () => {
  let run: OutputOf<"runs.submit">["run"];
  beforeAll(async () => {
    box.work("private", 'echo log; echo kept > "$WAYBILL_ARTIFACTS_DIR/kept"');
    ({ run } = await box.json<OutputOf<"runs.submit">>(["run", "private", "--machine", "left"]));
  });

  it("is kept out of the state directory and of a machine's work directory by their mode", () => {
    const modes = [box.home, box.path("machines/left")].map((path) => statSync(path).mode & 0o777);

    expect(modes).toEqual([0o700, 0o700]);
  });

  // Only root can become somebody else; the test before is what holds for everybody.
  if (process.getuid?.() === 0) {
    it("can read neither the store nor a log nor an artifact nor a frozen tree", () => {
      chmodSync(box.dir, 0o755);
      const store = [box.home, join(box.home, "waybill.db"), join(box.home, "trees"), box.path("machines/left")];
      const paths = [...store, run.logs_path ?? "", `${run.artifacts_path}/kept`];
      const read = 'for p; do if ls "$p"/* >/dev/null 2>&1 || cat "$p" >/dev/null 2>&1; then echo "$p"; fi; done';
      const asNobody = ["--reuid=65534", "--regid=65534", "--clear-groups", "sh", "-c", read, "sh"];
      const readable = box.path("private/run.sh");
      const { stdout } = spawnSync("setpriv", [...asNobody, ...paths, readable], { encoding: "utf8" });

      expect(stdout).toBe(`${readable}\n`);
    });
  }
});
