import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { ATTEMPT_TRANSITIONS } from "./attempt.js";
import { ITEM_TRANSITIONS } from "./batch.js";
import { RUN_TRANSITIONS } from "./run.js";
import { TASK_TRANSITIONS } from "./task.js";

/** The chart of one state machine: from the start to its first state, along every transition, from each end to the end. */
function mermaid(transitions: Readonly<Record<string, readonly string[]>>): string {
  const states = Object.entries(transitions);
  const arrows = states.flatMap(([from, targets]) => {
    if (targets.length === 0) return [`    ${from} --> [*]`];
    return targets.map((to) => `    ${from} --> ${to}`);
  });
  return ["```mermaid", "stateDiagram-v2", `    [*] --> ${states[0]?.[0]}`, ...arrows, "```"].join("\n");
}

describe("docs/state-machines.md", () => {
  it.each([
    ["a run", RUN_TRANSITIONS],
    ["an item", ITEM_TRANSITIONS],
    ["a task", TASK_TRANSITIONS],
    ["an attempt", ATTEMPT_TRANSITIONS],
  ])("shows the transitions of %s as the code has them", async (_name, transitions) => {
    const page = await readFile(new URL("../../docs/state-machines.md", import.meta.url), "utf8");

    expect(page).toContain(mermaid(transitions));
  });
});
