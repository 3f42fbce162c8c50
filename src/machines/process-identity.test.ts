import { spawn } from "node:child_process";
import { describe, expect, it } from "vitest";
import { sameProcess } from "../domain/lease.js";
import { until } from "./conformance/machine-bench.js";
import { identityOf, livenessOf, thisProcess } from "./process-identity.js";

describe("the identity of a process", () => {
  it("is the same each time, and alive", () => {
    expect(sameProcess(thisProcess(), thisProcess())).toBe(true);
    expect(identityOf(process.pid)).toEqual(thisProcess());
    expect(livenessOf(thisProcess())).toBe("alive");
  });

  it("proves death by another boot or another start time, and nothing about another host", () => {
    const self = thisProcess();
    expect(livenessOf({ ...self, boot: "another" })).toBe("dead");
    expect(livenessOf({ ...self, pidStart: "1" })).toBe("dead");
    expect(livenessOf({ ...self, host: "elsewhere.-.-", boot: "another" })).toBe("unknown");
  });

  it("counts a process that may not be signalled as alive", () => {
    const first = identityOf(1);
    expect(first === null ? null : livenessOf(first)).toBe("alive");
  });

  it("counts a killed process as dead, a zombie included", async () => {
    // The shell's child ends while the shell, which never waits, lives on: a zombie for as long as we look.
    const child = spawn("sh", ["-c", "sleep 0 & echo $!; exec sleep 60"], { stdio: ["ignore", "pipe", "ignore"] });
    const pid = await new Promise<number>((resolve) =>
      child.stdout.once("data", (text: Buffer) => resolve(Number(text))),
    );
    const zombie = identityOf(pid);
    if (zombie !== null) await until("the zombie is dead", () => livenessOf(zombie) === "dead");
    const shell = identityOf(child.pid ?? 0);
    if (shell === null) throw new Error("the shell should be there");
    expect(livenessOf(shell)).toBe("alive");
    child.kill("SIGKILL");
    await until("the shell is dead", () => livenessOf(shell) === "dead");
  });
});
