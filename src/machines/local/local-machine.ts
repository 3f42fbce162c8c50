/** The machine that Waybill itself runs on: the run protocol with its files in reach. */
import { execFile } from "node:child_process";
import { access, mkdir, rm } from "node:fs/promises";
import { isAbsolute } from "node:path";
import { promisify } from "node:util";
import { isDiskFull } from "../../domain/disk-full.js";
import { WaybillError } from "../../domain/errors.js";
import type { AttemptKey, MachineAnswer, MachineSpec } from "../../domain/machine.js";
import type { Environment } from "../environment.js";
import type { Machine, StartRequest } from "../machine-port.js";
import { installSupervisor } from "../supervisor/source.js";
import { cancelAttempt, signalAttempt } from "./cancel-attempt.js";
import { checkLocalMachine } from "./check-machine.js";
import { collectArtifacts } from "./collect-artifacts.js";
import { watchDirectory } from "./directory-watch.js";
import { followLog } from "./follow-log.js";
import { offsetOfTail, readGrowth, readLogFile } from "./log-file.js";
import { observeAttempt } from "./observe-attempt.js";
import { placeTree } from "./place-tree.js";
import { binDir, type RunDirectory, runDirectory } from "./run-directory.js";
import { startAttempt } from "./start-attempt.js";

const exec = promisify(execFile);

export interface LocalMachineOptions {
  /** What supervisor and program inherit, `PATH` above all. */
  readonly environment: Environment;
  /** The shell that runs the supervisor, with its first arguments. Default `/bin/sh`. */
  readonly shell?: readonly string[];
}

/** @throws `invalid_inventory` when the work directory is not absolute; nothing is touched before the first call. */
export function createLocalMachine(spec: MachineSpec, options: LocalMachineOptions): Machine {
  const { shell = ["/bin/sh"] } = options;
  const { workDir } = spec;
  const environment = { ...options.environment, ...spec.env };
  if (!isAbsolute(workDir)) {
    throw new WaybillError("invalid_inventory", `Machine "${spec.name}" has the work directory "${workDir}".`, {
      hint: "A work directory must be an absolute path.",
    });
  }
  const at = (key: AttemptKey): RunDirectory => runDirectory(workDir, key);
  const installed = async (): Promise<string> => {
    await mkdir(workDir, { recursive: true, mode: 0o700 });
    return installSupervisor(binDir(workDir));
  };
  return {
    spec,
    prepare: (tree, signal) => onMachine(spec, "upload_failed", () => placeTree(workDir, tree, signal)),
    start: (request: StartRequest, signal) =>
      onMachine(spec, "spawn_failed", async () => {
        const command = { shell, script: await installed(), workDir, slots: spec.slots, environment };
        return startAttempt(command, at(request), request, signal);
      }),
    status: (key) => observeAttempt(at(key), key),
    settled: (key, signal) => settleAttempt(at(key), key, signal),
    follow: (key, fromByte, signal) => followLog(at(key), key, fromByte, signal),
    readLog: async function* (key, fromByte) {
      if (await hasLog(at(key))) yield* readLogFile(at(key).log, fromByte);
    },
    tailOffset: async (key, lines) => ((await hasLog(at(key))) ? offsetOfTail(at(key).log, lines) : 0),
    growth: (key) => readGrowth(at(key).log),
    logPath: (key) => at(key).log,
    cancel: (key, manner) => cancelAttempt(at(key), manner),
    signal: (key, name) => signalAttempt(at(key), name),
    reap: (key) =>
      onMachine(spec, "spawn_failed", () => reapAttempt(shell, installed, workDir, at(key), key, environment)),
    collect: async (key, destination, options) => {
      const answer = await observeAttempt(at(key), key);
      return onMachine(spec, "artifact_failed", () => collectArtifacts(at(key), answer, destination, options));
    },
    forget: (key) => forgetAttempt(at(key), key),
    check: () => checkLocalMachine(spec, environment),
  };
}

const hasLog = (run: RunDirectory): Promise<boolean> =>
  access(run.log).then(
    () => true,
    () => false, // Not begun, or forgotten.
  );

/** Gives failures of the file system a code: a full disk is `disk_full`, anything else `otherwise`. */
async function onMachine<T>(
  spec: MachineSpec,
  otherwise: "upload_failed" | "spawn_failed" | "artifact_failed",
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (cause instanceof WaybillError || code === undefined || (cause as Error).name === "AbortError") throw cause;
    const full = isDiskFull(code);
    throw new WaybillError(full ? "disk_full" : otherwise, `Machine "${spec.name}": ${message}`, {
      hint: full
        ? `Free some space below ${spec.workDir}.`
        : `The work directory ${spec.workDir} must be writable for this user; \`waybill machines check\` says more.`,
      details: { machine: spec.name, errno: code },
      cause,
    });
  }
}

const SETTLED: ReadonlySet<MachineAnswer["state"]> = new Set(["exit", "lost", "absent", "busy"]);

async function settleAttempt(run: RunDirectory, key: AttemptKey, signal?: AbortSignal): Promise<MachineAnswer> {
  const watcher = watchDirectory(run.path, signal);
  try {
    while (true) {
      const answer = await observeAttempt(run, key);
      if (SETTLED.has(answer.state)) return answer;
      await watcher.changed();
    }
  } finally {
    watcher.close();
  }
}

async function reapAttempt(
  shell: readonly string[],
  installed: () => Promise<string>,
  workDir: string,
  run: RunDirectory,
  key: AttemptKey,
  environment: Environment,
): Promise<void> {
  const state = (await observeAttempt(run, key)).state;
  // Without any record there may still be processes that carry the attempt in their environment.
  if (state !== "lost" && state !== "exit" && state !== "absent") return;
  const [command = "/bin/sh", ...before] = shell;
  const args = [...before, await installed(), "reap", workDir, key.runId, String(key.attempt)];
  const env = { ...environment, WAYBILL_RUN_ID: undefined };
  await exec(command, args, { cwd: "/", env }).catch((cause: { code?: unknown; stderr?: string }) => {
    // 3: supervisor or watchdog live, so the attempt is not lost and is theirs to end.
    if (cause.code === 3) return;
    throw new WaybillError("spawn_failed", `Could not reap ${key.runId}.${key.attempt}: ${cause.stderr?.trim()}`, {
      hint: "What the lost attempt left alive may still run; look at the machine.",
      cause,
    });
  });
}

/** The claim and the records stay, so that the attempt can never start again and its outcome can be read. */
async function forgetAttempt(run: RunDirectory, key: AttemptKey): Promise<void> {
  const { state } = await observeAttempt(run, key);
  if (state === "running" || state === "starting") {
    throw new WaybillError(
      "invalid_state",
      `The attempt ${key.runId}.${key.attempt} is ${state} and needs its files.`,
      {
        hint: "Cancel it and wait for its end first.",
      },
    );
  }
  for (const path of [run.work, run.artifacts, run.log, run.logTimes]) await rm(path, { recursive: true, force: true });
}
