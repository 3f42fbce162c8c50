/** The command line that starts a worker. */
import { WaybillError } from "../domain/errors.js";
import type { WorkerSpec } from "./spec.js";

export interface WorkerCommand {
  readonly command: string;
  readonly args: readonly string[];
  /** Where it is started. */
  readonly cwd: string;
}

/**
 * The three names that every worker takes. Whoever starts it adds what else it is to know: `--result` and `--summary`, and
 * `--claim-from-agent-id` when the worker is to take the claim over.
 *
 * @param bin the worker's program: a path, or a name to look for in PATH
 * @throws `invalid_input` for a program without a name
 */
export function buildWorkerCommand(
  bin: string,
  spec: Pick<WorkerSpec, "taskId" | "thread" | "workerAgentId" | "workspaceDir">,
): WorkerCommand {
  if (bin === "" || bin.includes("\0")) {
    throw new WaybillError(
      "invalid_input",
      `The worker's program is ${JSON.stringify(bin)}; expected a path or a name.`,
    );
  }
  const { taskId, thread, workerAgentId, workspaceDir } = spec;
  const names = [`--task-id=${taskId}`, `--task-thread=${thread}`, `--worker-agent-id=${workerAgentId}`];
  return { command: bin, args: ["tasks", "dispatch", "worker", ...names], cwd: workspaceDir };
}
