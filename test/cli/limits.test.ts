import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OutputOf } from "../../src/index.js";
import { createSandbox, type Sandbox } from "../harness/sandbox.js";

type Submitted = OutputOf<"runs.submit">;

let box: Sandbox;
beforeAll(() => {
  box = createSandbox();
  box.machines({ wide: { slots: 8 } });
});
afterAll(() => box.dispose());

describe("limits of a run", () => {
  it("stop it at --timeout: status timeout, exit 124", async () => {
    box.work("endless", "echo begun; exec sleep 600");
    const result = await box.cli(["run", "endless", "--timeout", "1s", "--grace", "1s"]);

    expect(result.code).toBe(124);
    expect(result.stdout).toBe("begun\n");
    expect(result.stderr).toMatch(/timeout in .* timeout: /);
  });

  it("stop it when it is silent for --silence-timeout, not while it writes", async () => {
    box.work("chatty", "for i in 1 2 3 4 5 6; do echo $i; sleep 0.5; done");
    box.work("silent", "echo begun; exec sleep 600");
    const [chatty, silent] = await Promise.all([
      box.json<Submitted>(["run", "chatty", "--silence-timeout", "2s"]),
      box.json<Submitted>(["run", "silent", "--silence-timeout", "2s", "--grace", "1s"]),
    ]);

    expect(chatty.run.status).toBe("completed");
    expect(silent.run).toMatchObject({ status: "timeout", error_code: "silence_timeout" });
  });

  it("stop it when its log outgrows --max-log-bytes", async () => {
    box.work("flood", "yes");
    const { run } = await box.json<Submitted>(["run", "flood", "--max-log-bytes", "100000", "--grace", "1s"]);

    expect(run).toMatchObject({ status: "failed", error_code: "log_limit" });
  });
});

describe("--retries", () => {
  it("tries again until it succeeds, and keeps the log of each attempt", async () => {
    const count = box.path("count");
    const script = `echo x >> '${count}'; n=$(wc -l < '${count}'); echo "try $n as $WAYBILL_ATTEMPT"; [ "$n" -eq 3 ]`;
    box.work("flaky", script);
    const { run } = await box.json<Submitted>(["run", "flaky", "--retries", "2"]);
    const logs = await Promise.all(
      [[], ["--attempt", "1"], ["--attempt", "2"], ["--attempt", "3"]].map(
        async (args) => (await box.cli(["runs", "logs", run.id, ...args])).stdout,
      ),
    );

    expect(run).toMatchObject({ status: "completed", attempt: 3, exit_code: 0, error_code: null });
    expect(logs).toEqual(["try 3 as 3\n", "try 1 as 1\n", "try 2 as 2\n", "try 3 as 3\n"]);
    expect((await box.cli(["runs", "logs", run.id, "--attempt", "4"])).code).toBe(3);
  });

  it("ends with the last failure when they are used up", async () => {
    box.work("hopeless", 'exit "$((40 + WAYBILL_ATTEMPT))"');
    const { code, stderr } = await box.cli(["run", "hopeless", "--retries", "1"]);

    expect(code).toBe(42);
    expect(stderr).toContain("exit 42");
  });
});
