import { describe, expect, it } from "vitest";
import { WAIT_FOR_CONTACT } from "./contact-policy.js";
import type { ExitReason, MachineAnswer } from "./machine.js";
import { judgeStray, returnedOf, type StrayAttempt } from "./stray-attempt.js";

const exit = (reason: ExitReason): MachineAnswer => ({
  state: "exit",
  start: null,
  exit: {
    v: 1,
    run: "r",
    attempt: 1,
    fence: 1,
    code: 0,
    reason,
    log_bytes: 0,
    artifacts_manifest_hash: null,
    started: 1,
    ended: 2,
  },
});

describe("a stray attempt", () => {
  it("is told to stop while it may still run", () => {
    expect(judgeStray({ state: "starting" }, WAIT_FOR_CONTACT, true)).toBe("stop");
  });

  it("counts when it ended by itself, the run is under way and the policy prefers the original", () => {
    expect(judgeStray(exit("exited"), WAIT_FOR_CONTACT, true)).toBe("adopt");
    expect(judgeStray(exit("timeout"), WAIT_FOR_CONTACT, true)).toBe("adopt");
    expect(judgeStray(exit("exited"), WAIT_FOR_CONTACT, false)).toBe("discard");
    const other = { ...WAIT_FOR_CONTACT, onReturn: "keep_replacement" } as const;
    expect(judgeStray(exit("exited"), other, true)).toBe("discard");
  });

  it("does not count when its machine stopped it, or knows nothing of it", () => {
    expect(judgeStray(exit("out_of_contact"), WAIT_FOR_CONTACT, true)).toBe("discard");
    expect(judgeStray({ state: "absent" }, WAIT_FOR_CONTACT, true)).toBe("discard");
  });

  it("is returned once its own end is known", () => {
    const stray = { runId: "r", attempt: 1, outcome: null } as StrayAttempt;
    const back = { ...stray, attempt: 2, outcome: {} } as StrayAttempt;
    expect(returnedOf([stray])).toBeNull();
    expect(returnedOf([stray, back])).toBe(back);
  });
});
