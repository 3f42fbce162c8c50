import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AttemptKey } from "../../domain/machine.js";
import { freshDir, removeDir, runToEnd } from "../conformance/machine-bench.js";
import { localMachine } from "../local/local-fixture.js";
import { type AttemptReport, takeReports } from "./attempt-report.js";
import { followOverSsh } from "./follow-over-ssh.js";
import { createLocalShell, type LocalShell } from "./local-shell-fixture.js";

describe("a log that is followed over a connection", { timeout: 60_000 }, () => {
  let dir = "";
  let shell: LocalShell;
  let key: AttemptKey;
  beforeAll(async () => {
    dir = await freshDir();
    const machine = localMachine(join(dir, "machine"), 1);
    ({ request: key } = await runToEnd({ machine, dir }, "printf 'one\\ntwo'"));
    shell = createLocalShell(machine.spec.workDir, ["sh"]);
  });
  afterAll(() => removeDir(dir));

  async function settled(): Promise<AttemptReport> {
    const { output } = await shell.call({ verb: "observe", args: [`${key.runId}.${key.attempt}`], deadlineMs: 30_000 });
    const [report] = takeReports(output.toString()).reports;
    if (report === undefined) throw new Error(`no report in ${output}`);
    return report;
  }

  async function followed(): Promise<string> {
    const pieces: Uint8Array[] = [];
    for await (const piece of followOverSsh(shell, key, 0, settled)) pieces.push(piece);
    return Buffer.concat(pieces).toString();
  }

  it.each([
    ["brings all of it", null],
    [
      "keeps its last byte back, as one that may be the begin of its end mark",
      'head -c 6 "$1/runs/$2.$3/log"; exec cat',
    ],
    ["brings nothing, and does not end", "exec cat"],
    ["ends before there is a log", "exit 1"],
  ])("comes whole and once over a stream that %s", async (_what, script) => {
    shell.impersonate("follow", script);
    expect(await followed()).toBe("one\ntwo");
  });
});
