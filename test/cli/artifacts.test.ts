import { createHash } from "node:crypto";
import { createReadStream, readFileSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OutputOf } from "../../src/index.js";
import { createSandbox, type Sandbox } from "../harness/sandbox.js";
import { gateIn } from "./gate.js";

const GIB = 1024 ** 3;

let box: Sandbox;
beforeAll(() => {
  box = createSandbox();
  box.machines({ wide: { slots: 8 } });
});
afterAll(() => box.dispose());

const artifactsOf = (id: string) => box.json<OutputOf<"runs.artifacts">>(["runs", "artifacts", id]);
const submit = (args: readonly string[]) => box.json<OutputOf<"runs.submit">>(["run", ...args]);

async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of createReadStream(path)) hash.update(piece as Buffer);
  return hash.digest("hex");
}

describe("artifacts", () => {
  it("are listed with size and SHA-256, and lie where the list says", async () => {
    const script = 'cd "$WAYBILL_ARTIFACTS_DIR"; : > empty; mkdir -p "a b"; printf data > "a b/c\nd"';
    box.work("some", script);
    const { run } = await submit(["some"]);
    const found = await artifactsOf(run.id);
    const digest = (text: string) => createHash("sha256").update(text).digest("hex");

    expect(run.artifact_state).toBe("collected");
    expect(found.path).toBe(run.artifacts_path);
    expect([...found.files].sort((a, b) => Number(a.size) - Number(b.size))).toEqual([
      { path: "empty", size: 0, sha256: digest("") },
      { path: "a b/c\nd", size: 4, sha256: digest("data") },
    ]);
    expect(readFileSync(`${found.path}/a b/c\nd`, "utf8")).toBe("data");
  });

  it("are brought as far as a glob names them, and more of them when asked", async () => {
    box.work(
      "chosen",
      'cd "$WAYBILL_ARTIFACTS_DIR"; mkdir -p a/b; echo 1 > a/b/x.txt; echo 22 > y.bin; echo 3 > z.log',
    );
    const { run } = await submit(["chosen", "--artifacts", "a/**/*.txt"]);
    const sizes = (found: OutputOf<"runs.artifacts">) =>
      Object.fromEntries(found.files.map(({ path, size }) => [path, size]));
    expect(sizes(await artifactsOf(run.id))).toEqual({ "a/b/x.txt": 2, "y.bin": null, "z.log": null });
    const more = ["runs", "artifacts", run.id, "--fetch", "--artifacts", "*.bin"];
    expect(sizes(await box.json(more))).toEqual({ "a/b/x.txt": 2, "y.bin": 3, "z.log": null });
  });

  it("and logs that somebody removed are not found, and the refusal names the file", async () => {
    box.work("gone", 'echo said; echo 1 > "$WAYBILL_ARTIFACTS_DIR/x"');
    const { run } = await submit(["gone"]);
    const folder = dirname(run.artifacts_path ?? "");
    rmSync(folder, { recursive: true });
    for (const [command, file] of [
      ["artifacts", "artifacts.manifest"],
      ["logs", "log"],
    ] as const) {
      const { code, stderr } = await box.cli(["runs", command, run.id]);
      expect({ code, stderr }).toMatchObject({ code: 3, stderr: expect.stringContaining(`${folder}/${file}`) });
    }
  });

  it("of a run that left none are none", async () => {
    box.work("none", "exit 0");
    const { run } = await submit(["none"]);

    expect(await artifactsOf(run.id)).toEqual({ run_id: run.id, state: "none", error: null, path: null, files: [] });
  });

  it("of a run that failed are kept as well", async () => {
    box.work("failed", 'echo why > "$WAYBILL_ARTIFACTS_DIR/why"; exit 1');
    const { run } = await submit(["failed"]);

    expect((await artifactsOf(run.id)).files.map((f) => f.path)).toEqual(["why"]);
  });

  it("of an active run are refused when fetched", async () => {
    const gate = gateIn(box, "active");
    box.work("active", gate.script);
    const { run } = await submit(["active", "--detach"]);
    const { code, stderr } = await box.cli(["runs", "artifacts", run.id, "--fetch"]);
    gate.open();

    expect([code, stderr]).toEqual([4, expect.stringContaining("(invalid_state)")]);
  });

  it("of 1 GiB arrive whole, through a process that stays small", { timeout: 240_000 }, async () => {
    const gate = gateIn(box, "large");
    box.work("large", `truncate -s 1G "$WAYBILL_ARTIFACTS_DIR/large"; ${gate.script}`);
    const live = box.spawnCli(["run", "large", "--json"]);
    await gate.reached();
    gate.open();
    let peakKib = 0;
    const watch = setInterval(() => {
      peakKib = Math.max(peakKib, peakOf(live.pid));
    }, 20);
    const result = await live.ended.finally(() => clearInterval(watch));
    const { run } = (JSON.parse(result.stdout) as { data: OutputOf<"runs.submit"> }).data;
    const [file] = (await artifactsOf(run.id)).files;

    expect(statSync(`${run.artifacts_path}/large`).size).toBe(GIB);
    expect(file).toEqual({ path: "large", size: GIB, sha256: await sha256(`${run.artifacts_path}/large`) });
    expect(peakKib).toBeGreaterThan(10_000);
    expect(peakKib).toBeLessThan(300_000);
    expect((await box.cli(["runs", "rm", run.id])).code).toBe(0);
    expect(statSync(`${run.artifacts_path}/large`, { throwIfNoEntry: false })).toBeUndefined();
  });
});

/** The most memory that a process has had in RAM so far, in KiB; 0 once it is gone. */
function peakOf(pid: number): number {
  try {
    return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
  } catch {
    // It has ended between two looks; what was seen before counts.
    return 0;
  }
}
