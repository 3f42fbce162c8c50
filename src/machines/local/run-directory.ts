/** Names the paths on a machine (docs/run-protocol.md, "On the machine"). */
import { join } from "node:path";
import { type AttemptKey, attemptDirName } from "../../domain/machine.js";
import { mustBeAttempt } from "../attempt-name.js";

/** The paths of one attempt. */
export interface RunDirectory {
  readonly path: string;
  /** A link to `BOOT|PID|START` of the supervisor that runs the attempt; there from the moment that it is claimed. */
  readonly claim: string;
  readonly request: string;
  readonly work: string;
  readonly artifacts: string;
  readonly manifest: string;
  readonly log: string;
  /** How far the log had grown at which time: lines of `EPOCH_MS BYTES`. */
  readonly logTimes: string;
  readonly start: string;
  readonly exit: string;
  /** A link to the id of the run that holds the slot. */
  readonly busy: string;
  readonly cancel: string;
  readonly supervisorLog: string;
}

/** @throws `invalid_input` for a run id that cannot be a file's name or a record's field. */
export function runDirectory(workDir: string, key: AttemptKey): RunDirectory {
  const path = join(workDir, "runs", attemptDirName(mustBeAttempt(key)));
  const at = (name: string): string => join(path, name);
  return {
    path,
    claim: at("claim"),
    request: at("request"),
    work: at("work"),
    artifacts: at("artifacts"),
    manifest: at("artifacts.manifest"),
    log: at("log"),
    logTimes: at("log.times"),
    start: at("start"),
    exit: at("exit"),
    busy: at("busy"),
    cancel: at("cancel"),
    supervisorLog: at("supervisor.log"),
  };
}

export const binDir = (workDir: string): string => join(workDir, "bin");
export const machineTreesDir = (workDir: string): string => join(workDir, "trees");
