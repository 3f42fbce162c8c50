import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type * as Library from "../../src/index.js";
import type { Progress, Waybill } from "../../src/index.js";
import { gateIn } from "../cli/gate.js";
import { builtDist } from "../harness/built-cli.js";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";

const box = perTest(createSandbox);
let library: typeof Library;
let waybill: Waybill;

beforeEach(async () => {
  library = (await import(pathToFileURL(join(builtDist(), "index.js")).href)) as typeof Library;
  waybill = await library.open({ environment: box.env, cwd: box.dir });
});
afterEach(() => waybill.close());

describe("the published library", () => {
  it("carries out operations, tells their progress, and streams", async () => {
    box.work("good", "echo one; echo two; exit 3");
    const progress: Progress[] = [];
    const onProgress = (p: Progress) => void progress.push(p);
    const { outcome, run } = await waybill.call("runs.submit", { dir: "good", args: ["x"] }, { onProgress });
    const pieces: Uint8Array[] = [];
    for await (const piece of waybill.stream("runs.logs", { id: run.id })) pieces.push(piece.bytes);

    expect([outcome, run.status, run.exit_code]).toEqual(["created", "failed", 3]);
    expect(progress[0]).toMatchObject({ type: "submitted", run: { id: run.id } });
    expect(Buffer.concat(pieces).toString()).toBe("one\ntwo\n");
    expect((await waybill.call("runs.list", {})).runs.map((r) => r.id)).toEqual([run.id]);
  });

  it("throws errors of its own class, by code, with a hint", async () => {
    const missing = waybill.call("runs.show", { id: "ffff" });
    await expect(missing).rejects.toBeInstanceOf(library.WaybillError);
    await expect(missing).rejects.toMatchObject({ code: "run_not_found", hint: expect.any(String), retryable: false });
    await expect(waybill.call("runs.submit", { dir: "gone" })).rejects.toMatchObject({ code: "invalid_tree" });
  });

  it("refuses fields that an operation does not have, and values of the wrong type, all at once", async () => {
    const input = { id: 4, colour: "red" } as unknown as { id: string };

    await expect(waybill.call("runs.show", input)).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringMatching(/id: .*colour/s),
    });
  });

  it("stops waiting when it is aborted, and the run goes on", async () => {
    const gate = gateIn(box, "gate");
    box.work("held", gate.script);
    const leave = new AbortController();
    const submitted = waybill.call("runs.submit", { dir: "held" }, { signal: leave.signal });
    await gate.reached();
    leave.abort();
    const { run } = await submitted;

    expect(library.isTerminal(run.status)).toBe(false);
    gate.open();
    const waited = await waybill.call("runs.wait", { id: [run.id] });
    expect(waited.runs[0]?.status).toBe("completed");
  });

  it("shares its store with the command line, whichever wrote it", async () => {
    box.work("shared", "exit 0");
    const { run } = await box.json<Library.OutputOf<"runs.submit">>(["run", "shared"]);
    const mine = await waybill.call("runs.submit", { dir: "shared", reuse: true });

    expect([mine.outcome, mine.run.id]).toEqual(["finished", run.id]);
  });

  it("closes without ever having opened its store, and after an operation that failed to open it", async () => {
    const unused = await library.open({ environment: box.env, cwd: box.dir });
    await expect(unused.close()).resolves.toBeUndefined();
    const broken = await library.open({ environment: box.env, cwd: box.dir, store: "mysql://x" });
    await expect(broken.call("runs.list", {})).rejects.toMatchObject({ code: "invalid_input" });
    await expect(broken.close()).resolves.toBeUndefined();
  });
});
