/** `RemoteShell` over ssh: installs the supervisor on a machine that lacks this version, and asks again. */
import { WaybillError } from "../../domain/errors.js";
import type { MachineSpec } from "../../domain/machine.js";
import type { Environment } from "../environment.js";
import { supervisorSource } from "../supervisor/source.js";
import { type Exchange, SshConnection } from "./connection.js";
import { type Dialect, dialectOf } from "./dialect.js";
import type { RemoteAnswer, RemoteCall, RemoteShell, RemoteStream } from "./remote-shell.js";
import { NOT_INSTALLED } from "./request-line.js";
import type { SessionKind } from "./session-places.js";

/** What is given longer than this to answer has work to do. */
const QUICK_MS = 60_000;
/** The supervisor is some tens of kilobytes; a minute is for the slowest of links. */
const INSTALL_MS = 60_000;

export function createSshShell(spec: MachineSpec, environment: Environment): RemoteShell {
  const shell = new SshShell(spec, environment);
  return { call: (call) => shell.call(call), open: (call) => shell.open(call) };
}

class SshShell {
  readonly #spec: MachineSpec;
  readonly #dialect: Dialect;
  readonly #connection: SshConnection;
  #installed = false;
  #installing: Promise<void> | null = null;

  constructor(spec: MachineSpec, environment: Environment) {
    this.#spec = spec;
    this.#dialect = dialectOf(spec);
    this.#connection = new SshConnection(spec, environment, this.#dialect);
  }

  async call(call: RemoteCall): Promise<RemoteAnswer> {
    // What is not in memory can be sent only once, so what reads it must be there.
    if (call.input !== undefined && !(call.input instanceof Uint8Array)) await this.#ensureInstalled(call.signal);
    const answer = await this.#ask(call);
    if (answer.status !== NOT_INSTALLED) return answer;
    await this.#install();
    return await this.#ask(call);
  }

  open(call: RemoteCall): RemoteStream {
    const ended = new Ending();
    let exchange: Exchange | null = null;
    let closed = false;
    const begin = async (): Promise<Exchange> => {
      await this.#ensureInstalled(call.signal);
      return await this.#start(call, call.input ?? null);
    };
    async function* output(): AsyncGenerator<Buffer> {
      try {
        if (!closed) exchange = await begin();
        if (!closed && exchange !== null) ended.resolve(yield* exchange.output);
      } catch (error) {
        ended.reject(error);
        // Closing cuts the connection of this call, which is then no news.
        if (!closed) throw error;
      } finally {
        exchange?.close();
        ended.reject(new DOMException("The stream was closed before the verb had ended.", "AbortError"));
      }
    }
    const close = (): void => {
      closed = true;
      exchange?.close();
    };
    return { output: output(), status: ended.promise, send: (bytes) => exchange?.send(bytes) ?? false, close };
  }

  async #ask(call: RemoteCall): Promise<RemoteAnswer> {
    const answer = await readAnswer(await this.#start(call, call.input ?? new Uint8Array()));
    if (answer.status !== NOT_INSTALLED) this.#installed = true;
    return answer;
  }

  async #start(call: RemoteCall, input: RemoteCall["input"] | null): Promise<Exchange> {
    const { hash } = await supervisorSource(this.#dialect.language);
    const { verb, args, env = {}, deadlineMs, signal } = call;
    const about = { workDir: this.#spec.workDir, supervisorHash: hash, verb, args, env };
    return await this.#connection.exchange({
      line: (nonce) => this.#dialect.verbLine({ nonce, ...about }),
      input: input ?? null,
      deadlineMs,
      kind: kindOf(call),
      ...(signal && { signal }),
    });
  }

  async #ensureInstalled(signal?: AbortSignal): Promise<void> {
    if (this.#installed) return;
    const { status } = await this.#ask({ verb: "hello", args: [], deadlineMs: INSTALL_MS, ...(signal && { signal }) });
    if (status === NOT_INSTALLED) await this.#install();
    this.#installed = true;
  }

  /** Several requests may find it missing at once; one of them sends it. */
  async #install(): Promise<void> {
    this.#installing ??= this.#send().finally(() => {
      this.#installing = null;
    });
    await this.#installing;
    this.#installed = true;
  }

  async #send(): Promise<void> {
    const { text, hash } = await supervisorSource(this.#dialect.language);
    const line = (nonce: string): string => this.#dialect.installLine(nonce, this.#spec.workDir, hash);
    const exchange = await this.#connection.exchange({ line, input: text, deadlineMs: INSTALL_MS, kind: "long" });
    const { status, output } = await readAnswer(exchange);
    if (status !== 0) throw notInstallable(this.#spec, this.#dialect, status, output.toString().trim());
  }
}

async function readAnswer({ output }: Exchange): Promise<RemoteAnswer> {
  const chunks: Buffer[] = [];
  for (;;) {
    const next = await output.next();
    if (next.done === true) return { status: next.value, output: Buffer.concat(chunks) };
    chunks.push(next.value);
  }
}

function kindOf({ lasting, deadlineMs }: RemoteCall): SessionKind {
  if (lasting === true) return "lasting";
  return deadlineMs !== null && deadlineMs <= QUICK_MS ? "quick" : "long";
}

/** The exit status of a verb, for whoever wants to know it; whoever reads the output is told of failures as well. */
class Ending {
  readonly promise: Promise<number>;
  resolve: (status: number) => void = () => undefined;
  reject: (error: unknown) => void = () => undefined;

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    this.promise.catch(() => undefined);
  }
}

function notInstallable(
  { name, workDir }: MachineSpec,
  { needs }: Dialect,
  status: number,
  said: string,
): WaybillError {
  const full = /No space left|not enough space|quota/i.test(said);
  const damaged = `it arrived damaged${needs.installation === null ? "" : ", or nothing there computes SHA-256"}`;
  const why = status === 2 ? damaged : "it cannot be written";
  return new WaybillError(
    full ? "disk_full" : "upload_failed",
    `Machine "${name}" did not take Waybill's supervisor: ${why}.${said === "" ? "" : ` It says: ${said}`}`,
    {
      hint: full
        ? `Free some space below ${workDir} on the machine.`
        : `The work directory ${workDir} must be writable there${needs.installation === null ? "" : `, and ${needs.installation} installed`}.`,
      details: { machine: name, work_dir: workDir },
    },
  );
}
