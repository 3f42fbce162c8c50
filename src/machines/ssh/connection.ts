/**
 * Requests to one machine through the system's `ssh`, over one shared connection (ControlMaster) that every process of
 * this user uses and that ends by itself a minute after its last use.
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { PassThrough, Readable, type Writable } from "node:stream";
import { WaybillError } from "../../domain/errors.js";
import type { MachineSpec } from "../../domain/machine.js";
import type { Environment } from "../environment.js";
import { type AnswerEnd, unframe } from "./answer-frame.js";
import type { Pass } from "./connection-gate.js";
import type { Dialect } from "./dialect.js";
import { giveInput } from "./give-input.js";
import type { RemoteCall } from "./remote-shell.js";
import { type Lane, type Place, type SessionKind, SessionPlaces } from "./session-places.js";
import { controlArguments, controlSocket, sshArguments } from "./ssh-command.js";
import { failureOf } from "./ssh-failure.js";

type Client = ChildProcessByStdio<Writable, Readable, Readable>;

/** One request under way. */
export interface Exchange {
  /** What the machine printed between the marks; ends with how it ended. Rejects when there was no whole answer. */
  readonly output: AsyncGenerator<Buffer, number>;
  send(bytes: string): boolean;
  close(): void;
}

/** What a request sends: its line, then its input; `null` leaves the input open for `send`. */
export interface ExchangeRequest extends Pick<RemoteCall, "deadlineMs" | "signal"> {
  readonly line: (nonce: string) => string;
  readonly input: NonNullable<RemoteCall["input"]> | null;
  readonly kind: SessionKind;
}

/** An answer that lasts as long as somebody wants it begins within this, or the machine is out of reach; milliseconds. */
const BEGIN_MS = 60_000;
/** A client whose request is over leaves by itself within this, or is killed. */
const LEAVE_MS = 2_000;
/** How much of what ssh says on standard error is kept. */
const SAID_BYTES = 16 * 1024;

export class SshConnection {
  readonly #spec: MachineSpec;
  readonly #environment: Environment;
  readonly #dialect: Dialect;
  readonly #beginMs: number;
  readonly #places = new SessionPlaces();

  constructor(spec: MachineSpec, environment: Environment, dialect: Dialect, beginMs = BEGIN_MS) {
    this.#spec = spec;
    this.#environment = environment;
    this.#dialect = dialect;
    this.#beginMs = beginMs;
  }

  /** Sends a request. The exchange must be read to its end, or closed. */
  async exchange(request: ExchangeRequest): Promise<Exchange> {
    request.signal?.throwIfAborted();
    const nonce = randomBytes(16).toString("hex");
    // What cannot be asked is no failure of the machine.
    const line = request.line(nonce);
    const place = await this.#places.enter(request.kind, request.signal);
    try {
      return await this.#begin(request, line, nonce, place);
    } catch (error) {
      place.leave();
      throw error;
    }
  }

  async #begin(request: ExchangeRequest, line: string, nonce: string, place: Place): Promise<Exchange> {
    const pass = await place.lane.gate.enter();
    try {
      const client = await this.#spawn(place.lane);
      client.once("exit", () => place.leave());
      const output = this.#read(attend(client), nonce, request, pass, place.lane);
      sendRequest(client, line, request.input);
      return {
        output,
        send: (bytes) => client.stdin.writable && client.stdin.write(bytes),
        close: () => {
          // Whoever closes before the answer has begun learns nothing about the machine.
          pass.left();
          endClient(client);
        },
      };
    } catch (error) {
      pass.failed(error);
      throw error;
    }
  }

  async #spawn(lane: Lane): Promise<Client> {
    const args = sshArguments(this.#spec, controlSocket(this.#spec, lane.number), this.#dialect.bootstrap);
    // A session of its own: Ctrl-C in our terminal is not for it, and it can ask nobody for a password.
    const client = spawn("ssh", args, {
      stdio: ["pipe", "pipe", "pipe"],
      detached: true,
      env: { ...this.#environment },
    });
    await new Promise<void>((resolve, reject) => {
      client.once("spawn", resolve);
      client.once("error", (cause) => reject(noClient(cause)));
    });
    return client;
  }

  async *#read(
    { client, output, said, left }: Attended,
    nonce: string,
    { deadlineMs, signal }: ExchangeRequest,
    pass: Pass,
    lane: Lane,
  ): AsyncGenerator<Buffer, number> {
    let late = false;
    const limitMs = deadlineMs ?? this.#beginMs;
    const timer = setTimeout(() => {
      late = true;
      client.kill("SIGKILL");
      // The client itself keeps this process, until somebody closes the exchange without reading on.
    }, limitMs).unref();
    const onBegin = (): void => {
      pass.passed();
      if (deadlineMs === null) clearTimeout(timer);
    };
    const abort = (): void => void client.kill("SIGKILL");
    signal?.addEventListener("abort", abort, { once: true });
    let end: AnswerEnd = { begun: false, status: null };
    try {
      const frames = unframe(output, nonce, onBegin);
      for (;;) {
        const next = await frames.next();
        if (next.done === true) {
          end = next.value;
          break;
        }
        yield next.value;
      }
      if (end.status !== null) return end.status;
      const code = await left;
      signal?.throwIfAborted();
      const error = this.#explain(end, code, late ? limitMs : null, said());
      if (!end.begun) pass.failed(error);
      if (late && !end.begun) this.#abandon(lane);
      throw error;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
      endClient(client);
      pass.left();
    }
  }

  #explain({ begun }: AnswerEnd, code: number | null, lateAfterMs: number | null, said: string): WaybillError {
    if (lateAfterMs !== null) return failureOf(this.#spec, said, `nothing came within ${lateAfterMs / 1000} s`);
    if (begun) return failureOf(this.#spec, "", "the connection was cut in the middle of it");
    if (code === 255 || code === null) return failureOf(this.#spec, said, "there is no connection");
    return noShell(this.#spec, this.#dialect.needs.shell, code, said.trim().slice(-300));
  }

  /** A shared connection that gives no answer would take every later request with it; the next one makes a new one. */
  #abandon(lane: Lane): void {
    const args = controlArguments(this.#spec, controlSocket(this.#spec, lane.number), "exit");
    const client = spawn("ssh", args, { stdio: "ignore", detached: true, env: { ...this.#environment } });
    client.on("error", () => undefined); // Then there is no ssh either, which the request itself has told.
    client.unref();
  }
}

/** A client whose words and end are kept from its first moment on: Node drops what nobody reads when a child has left. */
interface Attended {
  readonly client: Client;
  readonly output: Readable;
  readonly said: () => string;
  readonly left: Promise<number | null>;
}

function attend(client: Client): Attended {
  const output = client.stdout.pipe(new PassThrough());
  // Destroyed by us, it never ends by itself.
  client.stdout.once("close", () => output.destroyed || output.end());
  const left = new Promise<number | null>((resolve) => client.once("exit", (code) => resolve(code)));
  return { client, output, said: collectText(client.stderr), left };
}

function sendRequest(client: Client, line: string, input: ExchangeRequest["input"]): void {
  // Whoever leaves without reading what was sent says so by its answer, or by giving none.
  client.stdin.on("error", () => undefined);
  if (input instanceof Readable) input.on("error", () => client.kill("SIGKILL"));
  client.stdin.write(line, (error) => {
    // The line goes first: what writes the input may do so past this process.
    if (error == null && input !== null) giveInput(client.stdin, input);
  });
}

/**
 * The client ends by itself once its input has ended and the verb has left: then the server, too, has given up the session.
 * What does not is killed, and nobody waits for either.
 */
function endClient(client: Client): void {
  client.stdin.destroy();
  client.stdout.destroy();
  client.stderr.destroy();
  client.unref();
  if (client.exitCode !== null || client.signalCode !== null) return;
  const timer = setTimeout(() => client.kill("SIGTERM"), LEAVE_MS).unref();
  client.once("exit", () => clearTimeout(timer));
}

function collectText(source: Readable): () => string {
  let text = "";
  source.setEncoding("utf8");
  source.on("data", (chunk: string) => {
    text = (text + chunk).slice(-SAID_BYTES);
  });
  return () => text;
}

/** With 0 the shell found nothing to carry out: the request was read before it, or another command was forced. */
function noShell({ name, host }: MachineSpec, shell: string, code: number, said: string): WaybillError {
  const what =
    code === 0
      ? `carried out nothing of the request: what it starts with reads standard input, or a command is forced on it`
      : `left with code ${code} instead of running ${shell}`;
  const told = said === "" ? "" : ` It says: ${said}`;
  return new WaybillError("spawn_failed", `The login shell of "${name}" ${what}.${told}`, {
    hint: `The account needs a login shell that can run commands; try: ssh ${host} true.`,
    details: { machine: name, code },
  });
}

function noClient(cause: Error): WaybillError {
  const missing = (cause as NodeJS.ErrnoException).code === "ENOENT";
  return new WaybillError("transport_unavailable", `ssh cannot be started: ${cause.message}.`, {
    hint: missing
      ? "Install OpenSSH's client (Debian: openssh-client), or check PATH."
      : "Check that ssh can be executed.",
    cause,
  });
}
