/** `waybill serve` in a process of its own, asked over HTTP. Every answer is held against the API's own description. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import type { CliResult, LiveCli } from "../harness/cli-process.js";
import type { Sandbox } from "../harness/sandbox.js";
import { until } from "../harness/until.js";

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The parsed body; undefined when there is none, or no JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: what an answer holds is checked against the published schema.
  readonly json: any;
}

export interface Question {
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is. */
  readonly raw?: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Task {
  readonly id: string;
  readonly status: string;
  readonly state: string;
  readonly run: number;
  readonly [name: string]: unknown;
}

export interface LiveSidecar {
  readonly url: string;
  readonly live: LiveCli;
  ask(method: string, path: string, question?: Question): Promise<Reply>;
  /** Submits and answers with the id. */
  submit(type: string, params?: unknown, id?: string): Promise<string>;
  show(id: string): Promise<Task>;
  /** Resolves once the task has the status. */
  reaches(id: string, status: string): Promise<Task>;
  /** The events that it has logged under a name. */
  logged(event: string): readonly Record<string, unknown>[];
  end(signal: NodeJS.Signals): Promise<CliResult>;
}

type Document = {
  readonly paths: Record<string, Record<string, { readonly responses: Record<string, { readonly content?: object }> }>>;
};

const isTime = (text: string): boolean => new Date(text).toISOString() === text;
const isUuid = (text: string): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text);

/** Holds answers against the OpenAPI document. */
export class Description {
  readonly document: Document;
  readonly #ajv = new Ajv2020({ strict: false, formats: { "date-time": isTime, uuid: isUuid } });

  constructor(document: Document) {
    this.document = document;
    this.#ajv.addSchema(document, "api");
  }

  check(method: string, path: string, { status, text, json }: Reply): void {
    const template = Object.keys(this.document.paths).find((one) => matches(one, path));
    // What is no route of the API is described by nothing.
    if (template === undefined) return;
    const route = this.document.paths[template]?.[method.toLowerCase()];
    if (route === undefined) return;
    const answer = route.responses[status];
    if (answer === undefined)
      throw new Error(`${method} ${template} answered ${status}, which is not described: ${text}`);
    if (text === "" || json === undefined) return;
    const at = ["paths", template, method.toLowerCase(), "responses", String(status), "content", "application/json"];
    const pointer = [...at, "schema"].map((part) =>
      encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1")),
    );
    const validate = this.#ajv.getSchema(`api#/${pointer.join("/")}`) as ValidateFunction | undefined;
    if (validate === undefined)
      throw new Error(`${method} ${template} ${status} has a body that is not described: ${text}`);
    if (!validate(json))
      throw new Error(`${method} ${template} ${status}: ${this.#ajv.errorsText(validate.errors)}: ${text}`);
  }
}

const matches = (template: string, path: string): boolean =>
  new RegExp(`^${template.replaceAll(".", "\\.").replaceAll(/\{\w+\}/g, "[^/]+")}$`).test(path.split("?")[0] ?? "");

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // An empty answer, or one that is no JSON, such as metrics.
    return undefined;
  }
}

interface ServeOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Shown with every question; default the sandbox's token. */
  readonly credentials?: Readonly<Record<string, string>>;
}

const eventsIn = (stderr: string): Record<string, unknown>[] =>
  stderr
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Record<string, unknown>);

/** Starts it on a free port, and resolves once it listens. */
export async function serveIn(box: Sandbox, options: ServeOptions = {}): Promise<LiveSidecar> {
  const { args = [], env = {} } = options;
  const live = box.spawnCli(["serve", "--port", "0", ...args], { env });
  await live.says(/"event":"serve\.listening"/);
  const logged = (event: string) => eventsIn(live.stderr()).filter((line) => line.event === event);
  const url = String(logged("serve.listening")[0]?.url);
  const credentials = options.credentials ?? { authorization: `Bearer ${readToken(box)}` };
  const ask = async (method: string, path: string, { body, raw, headers = {} }: Question = {}): Promise<Reply> => {
    const content = body === undefined ? raw : JSON.stringify(body);
    const type: Record<string, string> = content === undefined ? {} : { "content-type": "application/json" };
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: { ...credentials, ...type, ...headers },
      ...(content === undefined ? {} : { body: content }),
    });
    const text = await answer.text();
    const reply = { status: answer.status, headers: answer.headers, text, json: parse(text) };
    description.check(method, path, reply);
    return reply;
  };
  const document = (await (await fetch(`${url}/v0/openapi.json`, { headers: credentials })).json()) as Document;
  const description = new Description(document);
  const show = async (id: string) => (await ask("GET", `/v0/tasks/${id}`)).json as Task;
  return {
    url,
    live,
    ask,
    logged,
    show,
    submit: async (type, params, id) => {
      const reply = await ask("POST", "/v0/tasks", { body: { type, params, id } });
      if (reply.status !== 201) throw new Error(reply.text);
      return reply.json.id as string;
    },
    reaches: (id, status) =>
      until(`task ${id} is ${status}`, async () => {
        const task = await show(id);
        return task.status === status && task;
      }),
    end: (signal) => {
      live.kill(signal);
      return live.ended;
    },
  };
}

export const readToken = (box: Sandbox): string => readFileSync(join(box.home, "token"), "utf8").trim();

/** What handlers noted, in order: `begin ID ATTEMPT PID`, `end ID ATTEMPT PID`. */
export function notesOf(box: Sandbox): readonly string[] {
  return readFileSync(box.path("notes"), { encoding: "utf8", flag: "a+" }).split("\n").filter(Boolean);
}

const noted = (box: Sandbox, word: string, count: number): Promise<unknown> =>
  until(`${count} of "${word}"`, () => notesOf(box).filter((note) => note.startsWith(word)).length >= count);

/** Resolves once handlers have begun, or ended, so many attempts. */
export const begun = (box: Sandbox, count: number): Promise<unknown> => noted(box, "begin", count);
export const ended = (box: Sandbox, count: number): Promise<unknown> => noted(box, "end", count);

/** A sidecar that executes the types of `writeTasks`. */
export const serveTypes = (box: Sandbox, args: readonly string[] = []): Promise<LiveSidecar> =>
  serveIn(box, { args: ["--tasks", writeTasks(box), ...args] });

/** Types for tests, in a module that is given to `--tasks`. @returns its path */
export const writeTasks = (box: Sandbox): string =>
  box.tasks(
    "tasks.mjs",
    `
import { appendFileSync, existsSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
const dir = ${JSON.stringify(box.dir)};
const note = (word, ctx) => appendFileSync(dir + "/notes", [word, ctx.taskId, ctx.attempt, process.pid].join(" ") + "\\n");
const released = (params) => existsSync(dir + "/" + (params.until ?? "release"));

export const echo = defineTask({ type: "echo", params: anything, run: (params, ctx) => {
  note("begin", ctx);
  return params.answer ?? null;
} });
export const fail = defineTask({ type: "fail", params: anything, run: (params) => {
  if (existsSync(dir + "/mended")) return "mended";
  throw new TerminalError(params.message ?? "it cannot be done");
} });
export const hold = defineTask({ type: "hold", params: anything, run: async (params, ctx) => {
  note("begin", ctx);
  while (!released(params)) await pause(20, undefined, { signal: ctx.signal });
  note("end", ctx);
  return "held";
} });
export const deaf = defineTask({ type: "deaf", params: anything, run: async (params, ctx) => {
  note("begin", ctx);
  while (!released(params)) await pause(20);
  note("end", ctx);
  return "deaf";
} });
export const late = defineTask({ type: "late", params: anything, run: async (_params, ctx) => {
  note("begin", ctx);
  while (!ctx.signal.aborted) await pause(20);
  await ctx.heartbeat();
} });
export const stray = defineTask({ type: "stray", params: anything, run: async (params, ctx) => {
  note("begin", ctx);
  while (!released(params)) await pause(20, undefined, { signal: ctx.signal });
  if (ctx.attempt > 1) return "strayed";
  void Promise.reject(new RangeError("nobody waits for this"));
  await new Promise(() => undefined);
} });
export const trace = defineTask({ type: "trace", params: anything, run: (_params, ctx) => ctx.trace });
`,
  );
