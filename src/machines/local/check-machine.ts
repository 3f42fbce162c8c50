/** Looks whether this host can execute runs: what every machine is asked, asked of its own shell. */
import { mkdir } from "node:fs/promises";
import { WaybillError } from "../../domain/errors.js";
import type { MachineSpec } from "../../domain/machine.js";
import type { Environment } from "../environment.js";
import { finding, judgeDirectory, judgeFacts, REQUIRED_TOOLS, readFacts } from "../machine-facts.js";
import type { MachineFinding } from "../machine-port.js";
import { createLocalShell } from "./local-shell.js";

const CHECK_MS = 30_000;

/** Findings in the order in which they matter: directory, space, tools, session, hashes. Never throws. */
export async function checkLocalMachine(
  spec: MachineSpec,
  environment: Environment,
): Promise<readonly MachineFinding[]> {
  try {
    await mkdir(spec.workDir, { recursive: true, mode: 0o700 });
    const shell = createLocalShell(spec.workDir, { environment });
    const { output } = await shell.call({ verb: "check", args: REQUIRED_TOOLS, deadlineMs: CHECK_MS });
    return judgeFacts(readFacts(output.toString()), spec);
  } catch (error) {
    if (error instanceof WaybillError) {
      return [finding("shell", false, error.message, "A machine needs a POSIX shell at /bin/sh.")];
    }
    return [judgeDirectory(String(error), spec.workDir)];
  }
}
