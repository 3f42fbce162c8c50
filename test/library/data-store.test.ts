import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type * as Library from "../../src/index.js";
import { builtDist } from "../harness/built-cli.js";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";

const box = perTest(createSandbox);
let library: typeof Library;
beforeEach(async () => {
  vi.stubEnv("WAYBILL_HOME", box.home);
  vi.stubEnv("WAYBILL_STORE", "");
  vi.stubEnv("WAYBILL_SCOPE", "");
  library = (await import(pathToFileURL(join(builtDist(), "index.js")).href)) as typeof Library;
});
afterEach(() => {
  vi.unstubAllEnvs();
});

describe("the published data store", () => {
  it("opens the default store, in which the command line finds what was recorded", async () => {
    const store = await library.openDataStore();
    await store.setProcessVar("root", "from", "the library");
    const startedAt = new Date().toISOString();
    await store.recordExecution({ ref: "told", startedAt, duration: 2_000_000, exitCode: 3, error: "no" });
    await store.setCacheEntry("built", Buffer.from("bytes"));
    await store.close();

    expect(await library.storePath()).toBe(join(box.home, "waybill.db"));
    expect((await box.cli(["vars", "get", "from"])).stdout).toBe("the library\n");
    expect((await box.cli(["cache", "get", "built"])).bytes).toEqual(Buffer.from("bytes"));
    const { runs } = await box.json<Library.OutputOf<"runs.list">>(["runs", "list"]);
    expect(runs).toMatchObject([{ ref: "told", kind: "external", status: "failed", exit_code: 3, error_msg: "no" }]);
    expect((await box.cli(["runs", "show", runs[0]?.id ?? ""])).code).toBe(0);
    expect((await box.cli(["history", "told"])).stdout).toContain("2 ms");
  });

  it("finds what the command line left", async () => {
    box.work("good", "exit 0");
    await box.cli(["run", "good"]);
    await box.cli(["vars", "set", "k", "v"]);
    const store = await library.openDataStore();

    expect(await store.listExecutionRefs()).toEqual(["good"]);
    expect(await store.getAllProcessVars(library.environmentBucket())).toEqual({ k: "v" });
    await store.deleteExecutionHistory("good");
    await store.close();
    expect((await box.cli(["runs", "list"])).stdout).toBe("No runs.\n");
  });

  it("names the scope of the process, which is root outside of every run", () => {
    expect(library.environmentBucket()).toBe("root");
    vi.stubEnv("WAYBILL_SCOPE", "exec ws/ns:name");
    expect(library.environmentBucket()).toBe("exec ws/ns:name");
  });

  it("says of a default store that is no file that it is none", async () => {
    vi.stubEnv("WAYBILL_STORE", "memory:");

    await expect(library.openDataStore()).rejects.toMatchObject({ code: "store_unsupported" });
  });
});
