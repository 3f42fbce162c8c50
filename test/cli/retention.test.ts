import { existsSync } from "node:fs";
import { beforeEach, describe, expect, it } from "vitest";
import type { OutputOf } from "../../src/index.js";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";
import { until } from "../harness/until.js";

const box = perTest(createSandbox);
beforeEach(() => {
  box.work("good", "echo hello");
});

async function runGood(env: Record<string, string> = {}, ...args: string[]): Promise<string> {
  const { run } = await box.json<OutputOf<"runs.submit">>(["run", "good", "--new", ...args], { env });
  return run.id;
}
const kept = async () => (await box.json<OutputOf<"runs.list">>(["runs", "list"])).runs.map(({ id }) => id);

describe("the retention", () => {
  it("is told with its reasons by a dry run, and takes logs along when it is real", async () => {
    const [first, second] = [await runGood(), await runGood()];
    const env = { WAYBILL_KEEP_RUNS: "1" };
    const dry = await box.cli(["store", "gc", "--dry-run"], { env });
    const before = await kept();
    const { runs, reasons } = await box.json<OutputOf<"store.gc">>(["store", "gc"], { env });

    expect(dry.stdout).toContain(`${first}  too many newer runs of its ref\nWould remove 1 runs`);
    expect(before).toEqual([second, first]);
    expect([runs, reasons]).toEqual([[first], { [first]: "count" }]);
    expect(await kept()).toEqual([second]);
    expect([first, second].map((id) => existsSync(`${box.home}/runs/${id}`))).toEqual([false, true]);
  });

  it("is swept by a dispatcher that has nothing left to do", async () => {
    const first = await runGood();
    const second = await runGood({ WAYBILL_KEEP_RUNS: "1" }, "--detach");
    await box.cli(["runs", "wait", second]);

    await until("the dispatcher has swept", async () => !(await kept()).includes(first));
    expect(await kept()).toEqual([second]);
  });

  it("keeps everything that the defaults keep", async () => {
    await runGood();

    expect((await box.json<OutputOf<"store.gc">>(["store", "gc"])).runs).toEqual([]);
  });

  it("is shown by `config show` with where it comes from, and refused when it says nothing", async () => {
    const env = { WAYBILL_KEEP_FOR: "none" };
    const { settings } = await box.json<OutputOf<"config.show">>(["config", "show"], { env });
    const shown = settings
      .filter(({ name }) => name.startsWith("WAYBILL_KEEP_"))
      .map(({ value, origin }) => [value, origin]);

    expect(shown).toEqual([
      ["1000", "default"],
      ["none", "environment WAYBILL_KEEP_FOR"],
      ["20GiB", "default"],
    ]);
    for (const wrong of [{ WAYBILL_KEEP_RUNS: "0" }, { WAYBILL_KEEP_FOR: "90" }, { WAYBILL_KEEP_LOGS: "20GB" }]) {
      expect((await box.cli(["store", "gc"], { env: wrong })).code).toBe(2);
    }
  });
});
