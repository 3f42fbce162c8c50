/** A `RemoteShell` whose far end is a shell of this host: the real script, real files, without a connection. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { WaybillError } from "../../domain/errors.js";
import { STANDARD_PATH } from "../local/local-fixture.js";
import { binDir } from "../local/run-directory.js";
import { installSupervisor } from "../supervisor/source.js";
import { giveInput } from "./give-input.js";
import type { RemoteAnswer, RemoteCall, RemoteShell, RemoteStream } from "./remote-shell.js";

export interface LocalShell extends RemoteShell {
  /** Every call so far, with the bytes that its verb printed and that were let through. */
  readonly calls: { readonly verb: string; readonly args: readonly string[]; input: string; bytes: number }[];
  /** From now on a connection is cut after so many bytes of the verb's answer; null: never. */
  cut(verb: string, afterBytes: number | null): void;
  /** From now on the verb is answered by this script of the same shell, whose `$1` is the work directory. */
  impersonate(verb: string, script: string | null): void;
}

/** @param shell the shell that runs the supervisor, with its first arguments. */
export function createLocalShell(workDir: string, shell: readonly string[]): LocalShell {
  const cuts = new Map<string, number>();
  const scripts = new Map<string, string>();
  const calls: LocalShell["calls"] = [];
  const open = (call: RemoteCall): RemoteStream => {
    const about = { verb: call.verb, args: call.args, input: "", bytes: 0 };
    calls.push(about);
    let close = (): void => undefined;
    let ended: (status: number) => void = () => undefined;
    const status = new Promise<number>((resolve) => {
      ended = resolve;
    });
    async function* output(): AsyncGenerator<Buffer> {
      const [command = "sh", ...before] = shell;
      const script = scripts.get(call.verb);
      const what = script === undefined ? [await installSupervisor(binDir(workDir)), call.verb] : ["-c", script, "sh"];
      const env = { PATH: STANDARD_PATH, ...call.env };
      const child = spawn(command, [...before, ...what, workDir, ...call.args], { cwd: "/", env, detached: true });
      const exited = once(child, "exit");
      close = () => endGroup(child.pid);
      child.stdin.on("error", () => undefined); // The verb may end without reading.
      if (call.input instanceof Uint8Array) about.input = Buffer.from(call.input).toString("latin1");
      if (call.input !== undefined) giveInput(child.stdin, call.input);
      const limit = cuts.get(call.verb);
      try {
        for await (const piece of child.stdout as AsyncIterable<Buffer>) {
          const passed = limit === undefined ? piece : piece.subarray(0, Math.max(0, limit - about.bytes));
          about.bytes += passed.length;
          if (passed.length > 0) yield passed;
          if (passed.length < piece.length) throw new WaybillError("machine_unreachable", "The connection was cut.");
        }
        const [code] = (await exited) as [number | null];
        ended(code ?? 255);
      } finally {
        close();
      }
    }
    return { output: output(), status, send: () => false, close: () => close() };
  };
  return {
    calls,
    open,
    call: async (call) => collectAnswer(open({ input: new Uint8Array(), ...call })),
    cut: (verb, afterBytes) => (afterBytes === null ? cuts.delete(verb) : cuts.set(verb, afterBytes)),
    impersonate: (verb, script) => (script === null ? scripts.delete(verb) : scripts.set(verb, script)),
  };
}

async function collectAnswer(stream: RemoteStream): Promise<RemoteAnswer> {
  const pieces: Buffer[] = [];
  for await (const piece of stream.output) pieces.push(piece);
  return { status: await stream.status, output: Buffer.concat(pieces) };
}

/** The verb and what it started. */
function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}
