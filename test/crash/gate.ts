/** A program under test that goes on only when the test says so. */
import { writeFileSync } from "node:fs";
import type { Sandbox } from "../harness/sandbox.js";

export interface Gate {
  /** Shell commands that wait until the gate is open. */
  readonly wait: string;
  open(): void;
}

export function gateIn(box: Sandbox, name = "gate"): Gate {
  const path = box.path(name);
  return { wait: `while [ ! -e '${path}' ]; do sleep 0.05; done`, open: () => writeFileSync(path, "") };
}
