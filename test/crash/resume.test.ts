/** What a command asks for after a kill is carried out, and it asks for no more than what is left needs. */
import { describe, expect, it } from "vitest";
import type { BatchReport } from "../../src/index.js";
import { gateIn } from "../cli/gate.js";
import { perTest } from "../harness/per-test.js";
import { signal } from "../harness/processes.js";
import { createSandbox } from "../harness/sandbox.js";
import { dispatcherOf, rowsOf } from "../harness/store-look.js";
import { until } from "../harness/until.js";

const box = perTest(createSandbox);

describe("after a kill", { timeout: 60_000 }, () => {
  it("a batch is resumed without the variables of entries that have been dispatched", async () => {
    const gate = gateIn(box, "held");
    box.work("secret", 'test "$TOKEN" = x');
    box.work("held", gate.script);
    const env = { TOKEN: { from_env: "TOKEN" } } as unknown as Record<string, string>;
    const plan = box.plan("plan.yaml", [
      { name: "secret", machine: "local", env },
      { name: "held", machine: "local" },
    ]);
    const started = await box.json<BatchReport>(["batch", "run", plan, "--staging", "1", "--detach"], {
      env: { TOKEN: "x" },
    });
    await gate.reached();
    const dispatcher = await until("a dispatcher serves the batch", () => dispatcherOf(box.home, started.batch.id));
    signal(dispatcher, "SIGKILL");
    gate.open();

    expect((await box.cli(["batch", "run", plan, "--staging", "1"])).code).toBe(0);
  });

  it("`runs cancel --no-wait` of a run without a driver is carried out", async () => {
    const gate = gateIn(box, "held");
    box.work("held", gate.script);
    const driver = box.spawnCli(["run", "held"]);
    const [, id = ""] = await driver.says(/run (\S+) on local/);
    await gate.reached();
    driver.kill("SIGKILL");
    await driver.ended;

    expect((await box.cli(["runs", "cancel", id, "--no-wait"])).code).toBe(0);

    // Looked for in the store itself: `runs show` would start a dispatcher of its own.
    const cancelled = "SELECT id FROM runs WHERE id = ? AND error_code = 'cancelled'";
    await until("the run is cancelled", () => rowsOf(box.home, cancelled, id).length === 1);
  });
});
