/** Starts an attempt on a machine: one request, answered once the machine has recorded what came of it. */

import { createReadStream } from "node:fs";
import type { Readable } from "node:stream";
import { WaybillError } from "../../domain/errors.js";
import type { MachineAnswer, MachineSpec } from "../../domain/machine.js";
import type { ProgramInput, StartRequest } from "../machine-port.js";
import { describeRequest, supervisorArguments, withoutOwnNames } from "../supervisor/start-arguments.js";
import { takeReports } from "./attempt-report.js";
import type { RemoteShell } from "./remote-shell.js";

/** A start copies the tree, which for a large one on a slow disk may take minutes. */
const START_MS = 15 * 60_000;

/** Errors: `spawn_failed` with what the machine said, when nothing was recorded; those of `RemoteShell`. */
export async function startOverSsh(
  shell: RemoteShell,
  spec: MachineSpec,
  request: StartRequest,
  signal?: AbortSignal,
): Promise<MachineAnswer> {
  const input = inputOf(request.command?.input ?? null);
  const { verb, args } = supervisorArguments(spec.slots, request);
  const { runId, attempt, fence } = request;
  const key = [runId, String(attempt), String(fence)];
  const stream = shell.open({
    verb: "start",
    args: [...key, describeRequest(request), input === null ? "none" : "fed", verb, ...args],
    env: { ...spec.env, ...withoutOwnNames(request.env) },
    deadlineMs: input === null ? START_MS : null,
    lasting: input !== null,
    ...(input === null ? { input: new Uint8Array() } : { input }),
    ...(signal && { signal }),
  });
  const output = stream.output[Symbol.asyncIterator]();
  let text = "";
  for (;;) {
    const next = await output.next();
    if (next.done === true) break;
    text += next.value.toString();
    const [report] = takeReports(text).reports;
    if (report === undefined) continue;
    void drain(output, signal);
    return report.answer;
  }
  throw new WaybillError(
    "spawn_failed",
    `Machine "${spec.name}" recorded nothing: ${text.trim() || "it said nothing"}.`,
    {
      hint: "Run `waybill machines check` for this machine.",
      details: { machine: spec.name, status: await stream.status },
    },
  );
}

function inputOf(input: ProgramInput): Readable | null {
  if (input === null || typeof input !== "number") return input;
  return createReadStream("", { fd: input, autoClose: false });
}

/** The verb's end, which for a program that is fed is that of its input. */
async function drain(output: AsyncIterator<Buffer>, signal?: AbortSignal): Promise<void> {
  try {
    while ((await output.next()).done !== true);
  } catch (error) {
    // The connection was cut or is not wanted any more. A program that was fed sees the end of its input, and its record
    // tells the rest.
    if (!(error instanceof WaybillError) && error !== signal?.reason) throw error;
  }
}
