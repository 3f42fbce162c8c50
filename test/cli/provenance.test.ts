import { describe, expect, it } from "vitest";
import type { OutputOf } from "../../src/index.js";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";

const box = perTest(createSandbox);

const told = { WAYBILL_SOURCE: "mcp", WAYBILL_CLIENT: "editor", WAYBILL_SESSION: "s-1" };

describe("a run", () => {
  it("remembers source, client and session of whoever submits it, and is found by them", async () => {
    box.work("good", "exit 0");
    const { run } = await box.json<OutputOf<"runs.submit">>(["run", "good"], { env: told });
    const other = await box.json<OutputOf<"runs.submit">>(["run", "good", "--new"]);
    const listed = await box.json<OutputOf<"runs.list">>(["runs", "list", "--source", "mcp", "--session", "s-1"]);

    expect(run).toMatchObject({ source: "mcp", client: "editor", session: "s-1" });
    expect(["source", "client", "session"].filter((key) => key in other.run)).toEqual([]);
    expect(listed.runs.map(({ id }) => id)).toEqual([run.id]);
    expect((await box.cli(["runs", "show", run.id])).stdout).toMatch(/source +mcp\nclient +editor\nsession +s-1/);
  });

  it("hands them to its program, whichever dispatcher drives it", async () => {
    box.work("tell", 'echo "$WAYBILL_SOURCE/$WAYBILL_CLIENT/$WAYBILL_SESSION"');
    const { run } = await box.json<OutputOf<"runs.submit">>(["run", "tell", "--detach"], { env: told });
    await box.cli(["runs", "wait", run.id]);
    const silent = await box.json<OutputOf<"runs.submit">>(["run", "tell", "--new"]);

    expect((await box.cli(["runs", "logs", run.id])).stdout).toBe("mcp/editor/s-1\n");
    expect((await box.cli(["runs", "logs", silent.run.id])).stdout).toBe("//\n");
  });

  it("of a batch remembers who had the batch run", async () => {
    box.work("good", "exit 0");
    box.plan("plan.yaml", [{ name: "good", machine: "local" }]);
    const args = ["batch", "run", "plan.yaml", "--staging", "1"];
    const report = await box.json<OutputOf<"batches.run">>(args, { env: told });
    const { runs } = await box.json<OutputOf<"runs.list">>(["runs", "list"]);

    expect(report.kind).toBe("report");
    expect(runs[0]).toMatchObject({ source: "mcp", client: "editor", session: "s-1" });
  });

  it("takes a reference to a variable for its value, and for nothing when there is none", async () => {
    box.work("good", "exit 0");
    const env = { WAYBILL_SOURCE: "${KIND}", KIND: "ci", WAYBILL_CLIENT: "${NONE}", WAYBILL_SESSION: "a${KIND}" };
    const { run } = await box.json<OutputOf<"runs.submit">>(["run", "good"], { env });

    expect([run.source, run.client, run.session]).toEqual(["ci", undefined, "a${KIND}"]);
  });
});
