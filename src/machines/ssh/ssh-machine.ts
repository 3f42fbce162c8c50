/** A machine reached over ssh: the run protocol with its files out of reach, each step one request. */
import { WaybillError } from "../../domain/errors.js";
import { type AttemptKey, attemptDirName, type MachineSpec } from "../../domain/machine.js";
import { attemptArguments, mustBeAttempt } from "../attempt-name.js";
import type { Environment } from "../environment.js";
import type { Asker, Machine } from "../machine-port.js";
import { describeManner } from "../supervisor/cancel-request.js";
import { type AttemptReport, takeReports } from "./attempt-report.js";
import { checkOverShell } from "./check-over-shell.js";
import { collectOverShell } from "./collect-over-ssh.js";
import { followOverSsh } from "./follow-over-ssh.js";
import { growthOverShell, readLogOverShell, tailOffsetOverShell } from "./remote-log.js";
import { QUICK_MS, type RemoteAnswer, type RemoteCall, type RemoteShell } from "./remote-shell.js";
import { markOf, SettledWatch } from "./settled-watch.js";
import { createSshShell } from "./ssh-shell.js";
import { startOverSsh } from "./start-over-ssh.js";
import { uploadTree } from "./upload-tree.js";

/** What removes or ends things may have much to do. */
const LONG_MS = 10 * 60_000;

/**
 * @param environment of this process, for the `ssh` client: its agent, above all.
 * @param shell what requests go through; default: the system's ssh.
 */
export function createSshMachine(
  spec: MachineSpec,
  environment: Environment,
  shell: RemoteShell = createSshShell(spec, environment),
): Machine {
  const watch = new SettledWatch(shell);
  // An exit record never changes, so whoever drives an attempt and collects it next need not ask again.
  const ended = new Map<string, AttemptReport>();
  const ask = (key: AttemptKey, who?: Asker): Promise<AttemptReport> => observe(shell, spec, mustBeAttempt(key), who);
  return {
    spec,
    prepare: (tree, signal) => uploadTree(shell, tree, signal),
    start: (request, signal) => startOverSsh(shell, spec, request, signal),
    status: async (key, who) => (await ask(key, who)).answer,
    settled: async (key, signal, who) => {
      const report = await watch.settled(mustBeAttempt(key), signal, who);
      if (who === "driver" && report.answer.state === "exit") ended.set(attemptDirName(key), report);
      return report.answer;
    },
    follow: (key, fromByte, signal) =>
      followOverSsh(shell, key, fromByte, (over) => watch.settled(mustBeAttempt(key), over), signal),
    logPath: () => null,
    readLog: (key, fromByte, signal) => readLogOverShell(shell, key, fromByte, signal),
    tailOffset: (key, lines) => tailOffsetOverShell(shell, key, lines),
    growth: (key) => growthOverShell(shell, key),
    cancel: async (key, manner) => {
      const answer = await attempt(shell, "cancel", key, [describeManner(manner)]);
      if (answer.status !== 0) throw refused(spec, "take the request to cancel", answer);
    },
    signal: async (key, name) => (await attempt(shell, "signal", key, [name])).status === 0,
    reap: async (key) => {
      const answer = await attempt(shell, "reap", key, [], LONG_MS);
      // 3: supervisor or watchdog live, so the attempt is not lost and is theirs to end.
      if (answer.status !== 0 && answer.status !== 3) throw refused(spec, "end what a lost attempt left", answer);
    },
    collect: async (key, destination, options) => {
      const known = ended.get(attemptDirName(key));
      ended.delete(attemptDirName(key));
      return await collectOverShell(shell, key, known ?? (await ask(key)), destination, options);
    },
    check: () => checkOverShell(shell, spec),
    forget: async (key) => {
      const answer = await attempt(shell, "forget", key, [], LONG_MS);
      if (answer.status === 3) throw stillNeeded(key, answer.output.toString().trim());
      if (answer.status !== 0) throw refused(spec, "remove an attempt's files", answer);
    },
  };
}

const attempt = (
  shell: RemoteShell,
  verb: string,
  key: AttemptKey,
  args: readonly string[],
  deadlineMs: number = QUICK_MS,
): Promise<RemoteAnswer> =>
  shell.call({ verb, args: [...attemptArguments(key), ...args], deadlineMs } satisfies RemoteCall);

async function observe(
  shell: RemoteShell,
  spec: MachineSpec,
  key: AttemptKey,
  who: Asker = "onlooker",
): Promise<AttemptReport> {
  const args = [markOf(who) + attemptDirName(key)];
  const answer = await shell.call({ verb: "observe", args, deadlineMs: QUICK_MS });
  const [report] = takeReports(answer.output.toString()).reports;
  if (report !== undefined) return report;
  throw new WaybillError("machine_unreachable", `Machine "${spec.name}" gave an answer that cannot be read.`, {
    hint: "Run `waybill machines check` for this machine.",
    details: { machine: spec.name, output: answer.output.toString().slice(0, 500), status: answer.status },
  });
}

const refused = (spec: MachineSpec, what: string, { status, output }: RemoteAnswer): WaybillError =>
  new WaybillError(
    "spawn_failed",
    `Machine "${spec.name}" could not ${what} (status ${status}). ${output.toString().trim()}`,
    {
      hint: `The work directory ${spec.workDir} must be writable there; \`waybill machines check\` says more.`,
      details: { machine: spec.name, status },
    },
  );

const stillNeeded = (key: AttemptKey, state: string): WaybillError =>
  new WaybillError("invalid_state", `The attempt ${attemptDirName(key)} is ${state} and needs its files.`, {
    hint: "Cancel it and wait for its end first.",
  });
