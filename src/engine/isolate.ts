/** Runs a handler in a thread of its own. The thread asks for everything that a context does; a crash of it is an error here. */
import { Worker } from "node:worker_threads";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { JsonValue } from "../domain/canonical-json.js";
import { WaybillError } from "../domain/errors.js";
import type { AttemptContext } from "./attempt-context.js";
import { isSuspended, NeedsInput, RetryableError, Snooze, Suspended, TerminalError } from "./handler-errors.js";
import type { SubmitOptions } from "./submission.js";
import type { TaskDefinition } from "./task-definition.js";

/** How an error of the thread travels. */
interface SentError {
  readonly name: string;
  readonly message: string;
  readonly afterMs?: number | null;
  readonly ms?: number;
}

type Said =
  | { readonly kind: "returned"; readonly value: unknown }
  | { readonly kind: "threw"; readonly error: SentError }
  | { readonly kind: "log"; readonly line: string }
  | { readonly kind: "call"; readonly id: number; readonly method: Method; readonly args: readonly unknown[] };

const toSent = (error: unknown): SentError =>
  error instanceof Error
    ? { name: error.name, message: error.message, ...(isSuspended(error) ? { ms: error.ms } : {}) }
    : { name: "Error", message: String(error) };

/** The error as it was thrown over there, by its name, so that rules by class and the errors of the engine hold. */
function fromSent({ name, message, ms, afterMs }: SentError): Error {
  if (name === "Snooze") return new Snooze(ms ?? 0);
  if (name === "Suspended") return new Suspended(ms ?? 0);
  const recreate = Object.hasOwn(RECREATED, name) ? RECREATED[name] : undefined;
  const error = recreate?.(message, afterMs ?? null) ?? new Error(message);
  error.name = name;
  return error;
}

const RECREATED: Readonly<Record<string, (message: string, afterMs: number | null) => Error>> = {
  RetryableError: (message, afterMs) => new RetryableError(message, afterMs === null ? {} : { afterMs }),
  TerminalError: (message) => new TerminalError(message),
  NeedsInput: (question) => new NeedsInput(question),
};

/** The thread has checked the params of a child: it has the schema. */
const UNCHECKED: StandardSchemaV1 = {
  "~standard": { version: 1, vendor: "waybill", validate: (value) => ({ value }) },
};

type Child = Pick<TaskDefinition, "type" | "priority" | "deadlineMs">;

/** What the thread may ask of its context. Arguments come from our own thread file, in its order. */
const ANSWERS = {
  beginStep: (context: AttemptContext, path: string) => context.beginStep(path),
  endStep: (context: AttemptContext, path: string, startedAt: number, value: unknown) =>
    context.endStep(path, startedAt, value),
  sleep: (context: AttemptContext, name: string, ms: number) => context.sleep(name, ms),
  progress: (context: AttemptContext, value: JsonValue) => context.progress(value),
  heartbeat: (context: AttemptContext) => context.heartbeat(),
  spawnMany: (
    context: AttemptContext,
    name: string,
    child: Child,
    params: readonly unknown[],
    options: SubmitOptions,
  ) => context.spawnMany(name, { ...child, paramsSchema: UNCHECKED }, params, options),
  dependencies: (context: AttemptContext) => context.dependencies(),
  answers: (context: AttemptContext) => context.answers(),
} as const;

type Method = keyof typeof ANSWERS;

async function answer(context: AttemptContext, method: Method, args: readonly unknown[]): Promise<unknown> {
  const call = ANSWERS[method] as (context: AttemptContext, ...args: readonly unknown[]) => Promise<unknown>;
  return await call(context, ...args);
}

/** @param graceMs how long the thread has to end once its signal is aborted. Errors: what the handler threw, and `task_failed` when its thread died. */
export function runIsolated(
  isolate: NonNullable<TaskDefinition["isolate"]>,
  params: unknown,
  context: AttemptContext,
  graceMs: number,
): Promise<unknown> {
  const { taskId, type, attempt, run, failures, fence, parentId, tags, paths, trace } = context;
  const facts = { taskId, type, attempt, run, failures, fence, parentId, tags, paths, trace };
  const thread = new Worker(new URL("./isolate-thread.mjs", import.meta.url), {
    workerData: { module: isolate.module, params, facts },
    ...(isolate.maxHeapMb === null ? {} : { resourceLimits: { maxOldGenerationSizeMb: isolate.maxHeapMb } }),
  });
  let patience: NodeJS.Timeout | null = null;
  const tell = (): void => {
    thread.postMessage({ kind: "abort", error: toSent(context.signal.reason) });
    // One that is deaf, or blocked, is ended: unlike a handler at home, a thread can be.
    patience = setTimeout(() => void thread.terminate(), graceMs);
  };
  context.signal.addEventListener("abort", tell, { once: true });
  return new Promise<unknown>((resolve, reject) => {
    thread.on("message", (said: Said) => {
      if (said.kind === "returned") resolve(said.value);
      else if (said.kind === "threw") reject(fromSent(said.error));
      else if (said.kind === "log") context.log(said.line);
      else {
        answer(context, said.method, said.args).then(
          (value) => thread.postMessage({ kind: "answer", id: said.id, value }),
          (error: unknown) => thread.postMessage({ kind: "answer", id: said.id, error: toSent(error) }),
        );
      }
    });
    thread.on("error", (error) => reject(died(error.message)));
    thread.on("exit", (code) => reject(died(`it ended with code ${code}`)));
  }).finally(() => {
    if (patience !== null) clearTimeout(patience);
    context.signal.removeEventListener("abort", tell);
    void thread.terminate();
  });
}

const died = (why: string): WaybillError =>
  new WaybillError("task_failed", `The thread of the handler died: ${why}.`, {
    hint: "The engine and its other tasks were not touched.",
  });
