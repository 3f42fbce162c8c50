/** `tasks result`: the verdict ends the attempt and stays with it, in one write. */
import type { ParsedInputOf } from "../../contracts/index.js";
import { toTaskView } from "../../contracts/task-views.js";
import type { AttemptGuard } from "../../domain/attempt.js";
import { canonicalJson } from "../../domain/canonical-json.js";
import { WaybillError } from "../../domain/errors.js";
import type { WorkerResult } from "../../domain/result.js";
import type { Store } from "../../store/store.js";
import type { CallHandler } from "../context.js";
import { agentIdOf } from "./caller.js";
import { mustBeWritten, type OwnAttempt, ownAttempt, readAgain, tryToEnd } from "./own-attempt.js";
import { endOfResult } from "./result-end.js";
import { readToldResult, toldResult } from "./told-result.js";

type Input = ParsedInputOf<"tasks.result">;

export const recordResult: CallHandler<"tasks.result"> = async (context, input) => {
  const author = agentIdOf(context.settings, input.agent);
  const result = resultOf(input);
  mustAskSomething(result);
  const own = await ownAttempt(context, input);
  const { store, task } = own;
  const outcome = (await wasRecorded(own, result)) ? "existing" : await record(own, result, author);
  return { outcome, task: toTaskView(await readAgain(store, task.id)), result };
};

/** Errors: `stale_write`. */
async function record(own: OwnAttempt, result: WorkerResult, author: string): Promise<"recorded" | "existing"> {
  const { store, task, guard } = own;
  const end = endOfResult(result, task, author, Math.random());
  const answer = await tryToEnd(store, { guard, end, verdict: JSON.stringify(result) });
  // The same may have been said twice at once.
  if (!answer.written && (await isRecorded(store, guard, result))) return "existing";
  mustBeWritten(guard, answer);
  return "recorded";
}

const wasRecorded = async ({ store, task, guard }: OwnAttempt, result: WorkerResult): Promise<boolean> =>
  task.fence !== guard.fence && (await isRecorded(store, guard, result));

/** Whoever died before it heard that its result was recorded says it again, and is not told that it came too late. */
async function isRecorded(store: Store, { taskId, fence }: AttemptGuard, result: WorkerResult): Promise<boolean> {
  const attempts = await store.attempts.listAttempts(taskId);
  const own = attempts.find((attempt) => attempt.fence === fence);
  return own?.result != null && canonicalJson(own.result) === canonicalJson(result);
}

/** Errors: `invalid_input` for a question without words, which nobody could answer. */
function mustAskSomething({ kind, summary }: WorkerResult): void {
  if (kind !== "needs_input" || summary.trim() !== "") return;
  throw new WaybillError("invalid_input", "needs_input asks a person; expected the question as its summary.");
}

/** Errors: `invalid_input` when it is said twice or not at all, and for what is no result. */
function resultOf({ file, kind, summary, branch, rev, fault, error }: Input): WorkerResult {
  const said = { kind, summary, branch, rev, fault, error };
  const flags = Object.entries(said).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`]));
  if (file !== undefined) {
    if (flags.length === 0) return readToldResult(file);
    throw new WaybillError("invalid_input", `--file holds the whole result; found ${flags.join(", ")} beside it.`, {
      hint: "Give one of the two.",
    });
  }
  if (kind === undefined) {
    throw new WaybillError("invalid_input", "There is no result; expected --kind and --summary, or --file.", {
      hint: 'For example --kind success --summary "all tests pass".',
    });
  }
  const told =
    fault === undefined && error === undefined ? {} : { substrate: { fault: fault ?? "", error: error ?? "" } };
  return toldResult({
    kind,
    summary: summary ?? "",
    ...(branch === undefined ? {} : { branch }),
    ...(rev === undefined ? {} : { rev }),
    ...told,
  });
}
