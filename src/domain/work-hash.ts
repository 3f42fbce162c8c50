/**
 * What makes two submissions the same work: the tree's content, the entrypoint, its arguments and its variables.
 * Limits do not count: asking for the running tests with a longer timeout attaches to them.
 */
import { canonicalJson } from "./canonical-json.js";
import type { MachineSpec } from "./machine.js";
import type { RunRequest } from "./run.js";

/** The text whose SHA-256 is the work hash. `entry` keeps two entries of one batch apart when they share a directory. */
export function canonicalWork(
  treeHash: string,
  target: Pick<MachineSpec, "host" | "workDir">,
  request: Pick<RunRequest, "entrypoint" | "args" | "env">,
  entry: { readonly batchId: string; readonly name: string } | null,
): string {
  const { entrypoint, args, env } = request;
  const place = { host: target.host, work_dir: target.workDir };
  return canonicalJson({ tree: treeHash, place, entrypoint, args, env, entry });
}
