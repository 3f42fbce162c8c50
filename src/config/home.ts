/** Where things lie under the state directory. Everything in it is readable by its owner only. */
import { join } from "node:path";

export interface Home {
  readonly root: string;
  readonly database: string;
  /** Frozen copies of submitted directories, by hash. */
  readonly trees: string;
  readonly machines: string;
  /** What dispatchers have to say. */
  readonly dispatchers: string;
  /** The files of attempts that commands execute. */
  readonly workers: string;
  readonly configFile: string;
  /** What callers of the sidecar API show; made when it is first needed. */
  readonly token: string;
  /** What came back of one attempt of a run: its log and artifacts. */
  attemptDir(runId: string, attempt: number): string;
  runDir(runId: string): string;
}

export function homeAt(root: string): Home {
  const runDir = (runId: string) => join(root, "runs", runId);
  return {
    root,
    database: join(root, "waybill.db"),
    trees: join(root, "trees"),
    machines: join(root, "machines"),
    dispatchers: join(root, "dispatchers"),
    workers: join(root, "workers"),
    configFile: join(root, "config.yaml"),
    token: join(root, "token"),
    runDir,
    attemptDir: (runId, attempt) => join(runDir(runId), String(attempt)),
  };
}
