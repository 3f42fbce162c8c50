/**
 * The thread of one isolated handler: loads the module that exports its definition, runs it, and asks the engine for
 * everything that the context does. Plain JavaScript: it is started from its file, in the sources and in `dist/` alike.
 */
import { inspect } from "node:util";
import { parentPort, workerData } from "node:worker_threads";

const { module, params, facts } = workerData;
const abort = new AbortController();
const waiting = new Map();
let calls = 0;

const shown = (value) => (typeof value === "string" ? value : inspect(value));
/** Anything can be thrown, but only plain values travel. */
const sent = (value) => (typeof value === "number" || value == null ? value : shown(value));

function toSent(error) {
  try {
    if (!(error instanceof Error)) return { name: "Error", message: shown(error) };
    // A question is asked as it was put, which an error's message need not be.
    const message = shown("question" in error ? error.question : error.message);
    return { name: shown(error.name), message, afterMs: sent(error.afterMs), ms: sent(error.ms) };
  } catch {
    return { name: "Error", message: "The handler threw what cannot be shown." };
  }
}

const fromSent = ({ name, ...rest }) => Object.assign(new Error(rest.message), rest, { name });

parentPort.on("message", (said) => {
  if (said.kind === "abort") return abort.abort(fromSent(said.error));
  const call = waiting.get(said.id);
  waiting.delete(said.id);
  if (said.error === undefined) call.resolve(said.value);
  else call.reject(fromSent(said.error));
});

function ask(method, ...args) {
  calls += 1;
  const id = calls;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    parentPort.postMessage({ kind: "call", id, method, args });
  });
}

async function step(path, work) {
  const begun = await ask("beginStep", path);
  if (begun.known) return begun.value;
  const value = await work({ step: (name, inner) => step(`${path}/${name}`, inner) });
  return await ask("endStep", path, begun.startedAt, value);
}

async function checked(definition, value) {
  const result = await definition.paramsSchema["~standard"].validate(value);
  if (result.issues === undefined) return result.value;
  const text = result.issues.map(({ message }) => message).join("; ");
  throw Object.assign(new Error(`The params of "${definition.type}" do not fit their schema: ${text}.`), {
    name: "TerminalError",
  });
}

async function spawnMany(name, definition, all, options = {}) {
  for (const one of all) await checked(definition, one);
  const { type, priority, deadlineMs } = definition;
  return await ask("spawnMany", name, { type, priority, deadlineMs }, all, options);
}

const context = {
  ...facts,
  signal: abort.signal,
  step,
  sleep: (name, ms) => ask("sleep", name, ms),
  progress: (value) => ask("progress", value),
  log: (line) => parentPort.postMessage({ kind: "log", line }),
  heartbeat: () => ask("heartbeat"),
  spawn: async (name, definition, one, options) => (await spawnMany(name, definition, [one], options))[0],
  spawnMany,
  dependencies: () => ask("dependencies"),
  answers: () => ask("answers"),
};

function find(exports) {
  const isIt = (value) => value?.type === facts.type && typeof value.run === "function";
  const found = Object.values(exports).flat().find(isIt);
  if (found !== undefined) return found;
  const error = new Error(`${module} exports no definition of the type "${facts.type}".`);
  throw Object.assign(error, { name: "TerminalError" });
}

try {
  const definition = find(await import(module));
  const value = await definition.run(await checked(definition, params), context);
  parentPort.postMessage({ kind: "returned", value });
} catch (error) {
  parentPort.postMessage({ kind: "threw", error: toSent(error) });
}
