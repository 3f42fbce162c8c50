import { describe, expect, it } from "vitest";
import {
  afterCrash,
  ENDED_TASK_STATES,
  isEndedTask,
  LIVE_TASK_STATES,
  mayBecome,
  PERSON_GATES,
  plainFailure,
  QUARANTINE_AFTER,
  TASK_GATES,
  TASK_STATES,
  TASK_TRANSITIONS,
  WAITING_TASK_STATES,
  waitsForPerson,
} from "./task.js";

describe("the states of a task", () => {
  it("are live or ended, and waiting ones are live", () => {
    expect([...LIVE_TASK_STATES, ...ENDED_TASK_STATES].sort()).toEqual([...TASK_STATES].sort());
    expect(WAITING_TASK_STATES.every((state) => LIVE_TASK_STATES.includes(state))).toBe(true);
    expect(TASK_STATES.filter(isEndedTask)).toEqual(ENDED_TASK_STATES);
  });

  it("let an ended task go nowhere but back into the queue, and a completed one nowhere", () => {
    expect(TASK_TRANSITIONS.completed).toEqual([]);
    expect([TASK_TRANSITIONS.failed, TASK_TRANSITIONS.cancelled]).toEqual([["queued"], ["queued"]]);
  });

  it("are all reached from queued", () => {
    const reached = new Set(["queued"]);
    for (const from of reached) for (const to of TASK_TRANSITIONS[from as "queued"]) reached.add(to);
    expect([...reached].sort()).toEqual([...TASK_STATES].sort());
  });

  it("are left only along the table", () => {
    expect(mayBecome("running", "completed")).toBe(true);
    expect(mayBecome("completed", "queued")).toBe(false);
    expect(mayBecome("scheduled", "running")).toBe(false);
  });
});

describe("the gates of a task", () => {
  it("are opened by a person when it asks for an answer or a review, and by no one else", () => {
    expect(TASK_GATES.filter(waitsForPerson)).toEqual([...PERSON_GATES]);
    expect(PERSON_GATES).toEqual(["answer", "review"]);
  });
});

describe("a failure", () => {
  it("for which nothing was thrown names no class of error", () => {
    expect(plainFailure("lost", "gone")).toEqual({ code: "lost", name: null, message: "gone" });
  });
});

describe("a crash", () => {
  it("leads back to the queue until there were too many", () => {
    expect([1, 2, 3, 4].map((n) => afterCrash(n, QUARANTINE_AFTER))).toEqual([
      "again",
      "again",
      "quarantine",
      "quarantine",
    ]);
  });
});
