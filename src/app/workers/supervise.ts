/** One attempt of a task, executed by a command: its files, its process, its log, and what it answered. */
import type { Attempt } from "../../domain/attempt.js";
import { Snooze } from "../../engine/handler-errors.js";
import type { TaskContext } from "../../engine/task-context.js";
import { Verdict } from "../../engine/verdict.js";
import { type Child, type ChildEnd, type ChildRequest, startChild } from "../../machines/children/child.js";
import { ChildLog } from "../../machines/children/child-log.js";
import type { Log } from "../../observe/log.js";
import type { Store } from "../../store/store.js";
import { type AttemptFolder, openAttemptFolder } from "./attempt-folder.js";
import { AttemptLog } from "./attempt-log.js";
import { readAnswer } from "./child-answer.js";
import { childEnvironment } from "./child-environment.js";
import { describeEnd } from "./describe-end.js";
import { recordedEnd } from "./recorded-end.js";
import { briefOf } from "./task-brief.js";
import { verdictOf } from "./verdict-of.js";
import type { WorkerPost } from "./worker-post.js";

/** What attempts are supervised with. */
export interface Supervision {
  readonly store: Store;
  readonly post: WorkerPost;
  readonly command: readonly [string, ...string[]];
  readonly cwd: string;
  /** Between asking a command to end and killing it; milliseconds. */
  readonly graceMs: number;
  /** How much is kept of what a command writes; bytes. */
  readonly logLimit: number;
  readonly log: Log;
  /** Hears why a command could not begin. */
  readonly onFault: (error: unknown) => void;
  /** Hears of an attempt that somebody else ended, mostly its own command. */
  readonly onRecorded: (attempt: Attempt) => void;
}

/**
 * Executes the attempt to its end. Where its command cannot even begin, nothing is counted against the task: it is given
 * back, and `onFault` hears why.
 *
 * Errors: `Snooze` then, and the reason of the signal when it was told to end.
 */
export async function superviseAttempt(supervision: Supervision, context: TaskContext): Promise<Verdict> {
  const { store, log } = supervision;
  const { taskId, attempt, fence, signal } = context;
  const written = new AttemptLog({ store, taskId, fence, log });
  const lines = new ChildLog({ limit: supervision.logLimit, write: (line) => written.add(line) });
  const { child, folder } = await begin(supervision, context, (stream, bytes) => lines.take(stream, bytes));
  log("work.began", { id: taskId, type: context.type, attempt, pid: child.pid });
  try {
    const end = await endOf(child, supervision, signal);
    lines.finish();
    await written.flush();
    const { resultFile } = folder;
    const answer = await readAnswer({ resultFile, lastLine: lines.lastLine(), end, stopped: child.stopped() });
    // What the command has recorded by itself goes before all that it left lying about.
    const recorded = await recordedEnd(store, taskId, fence);
    log("work.ended", { id: taskId, attempt, ...end, ...describeEnd(answer, recorded, signal) });
    if (recorded === null || recorded === "taken") return verdictOf(answer, signal);
    if (recorded !== "removed") supervision.onRecorded(recorded);
    return new Verdict({ as: "recorded" });
  } finally {
    // What is left lying about is no reason to lose the answer.
    await folder.remove().catch((error: Error) => log("work.files_left", { id: taskId, error: error.message }));
  }
}

/** Another worker may be able to begin it, or this one a little later; milliseconds. */
const FAULT_PAUSE_MS = 1_000;

interface Begun {
  readonly child: Child;
  readonly folder: AttemptFolder;
}

async function begin(
  supervision: Supervision,
  context: TaskContext,
  onOutput: ChildRequest["onOutput"],
): Promise<Begun> {
  const { store, post, onFault } = supervision;
  const { taskId, attempt, fence, signal } = context;
  try {
    const folder = await openAttemptFolder(post.directory, fence, await briefOf(store, taskId, attempt, fence));
    try {
      signal.throwIfAborted();
      return { folder, child: await startCommand(supervision, context, folder, onOutput) };
    } catch (error) {
      await folder.remove();
      throw error;
    }
  } catch (error) {
    signal.throwIfAborted();
    onFault(error);
    throw new Snooze(FAULT_PAUSE_MS);
  }
}

const startCommand = (
  { post, command, cwd }: Supervision,
  { taskId, attempt, fence }: TaskContext,
  { taskFile, resultFile }: AttemptFolder,
  onOutput: ChildRequest["onOutput"],
): Promise<Child> =>
  startChild({
    command,
    cwd,
    environment: childEnvironment(post.environment, { taskId, attempt, fence, taskFile, resultFile, ...post.identity }),
    inputFile: taskFile,
    warden: post.warden,
    pipes: post.pipes,
    onOutput,
  });

/** Without its warden nobody would end it should this process die, and others may have its task already: it is killed. */
async function endOf(child: Child, { post, graceMs }: Supervision, signal: AbortSignal): Promise<ChildEnd> {
  const over = new AbortController();
  const once = { once: true, signal: over.signal };
  for (const [told, grace] of [
    [signal, graceMs],
    [post.warden.gone, 0],
  ] as const) {
    if (told.aborted) child.stop(grace);
    told.addEventListener("abort", () => child.stop(grace), once);
  }
  return await child.ended.finally(() => over.abort());
}
