/** One attempt of a task, executed by a command: its files, its process, its log, and what it answered. */
import type { TaskContext } from "../../engine/task-context.js";
import { Verdict } from "../../engine/verdict.js";
import { type Child, type ChildEnd, startChild } from "../../machines/children/child.js";
import { ChildLog } from "../../machines/children/child-log.js";
import type { Log, LogFields } from "../../observe/log.js";
import type { Store } from "../../store/store.js";
import { openAttemptFolder } from "./attempt-folder.js";
import { AttemptLog } from "./attempt-log.js";
import { type ChildAnswer, readAnswer } from "./child-answer.js";
import { childEnvironment } from "./child-environment.js";
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
}

/**
 * Executes the attempt to its end. Errors: `spawn_failed`, the reason of the signal when it was told to end, and the store's.
 */
export async function superviseAttempt(supervision: Supervision, context: TaskContext): Promise<Verdict> {
  const { store, post, log } = supervision;
  const { taskId, attempt, fence, signal } = context;
  const folder = await openAttemptFolder(post.directory, fence, await briefOf(store, taskId, attempt, fence));
  try {
    signal.throwIfAborted();
    const { resultFile, taskFile } = folder;
    const written = new AttemptLog({ store, taskId, fence, log });
    const lines = new ChildLog({ limit: supervision.logLimit, write: (line) => written.add(line) });
    const child = await startChild({
      command: supervision.command,
      cwd: supervision.cwd,
      environment: childEnvironment(post.environment, {
        taskId,
        attempt,
        fence,
        taskFile,
        resultFile,
        ...post.identity,
      }),
      inputFile: taskFile,
      warden: post.warden,
      pipes: post.pipes,
      onOutput: (stream, bytes) => lines.take(stream, bytes),
    });
    log("work.began", { id: taskId, type: context.type, attempt, pid: child.pid });
    const end = await endOf(child, supervision, signal);
    lines.finish();
    await written.flush();
    const answer = await readAnswer({ resultFile, lastLine: lines.lastLine(), end, stopped: child.stopped() });
    log("work.ended", { id: taskId, attempt, ...end, ...describeAnswer(answer) });
    // What the command has recorded by itself goes before all that it left lying about.
    if (await isRecorded(store, taskId, fence)) return new Verdict({ as: "recorded" });
    return verdictOf(answer, signal);
  } finally {
    await folder.remove();
  }
}

/** Whether somebody has ended the attempt. One that was lost was taken from us: that our end comes too late is to be counted. */
async function isRecorded(store: Store, taskId: string, fence: number): Promise<boolean> {
  if ((await store.workers.findGuard(taskId, fence)) !== null) return false;
  const attempts = await store.attempts.listAttempts(taskId);
  return attempts.find((attempt) => attempt.fence === fence)?.state !== "lost";
}

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

/** For whoever looks on; a summary may be long. */
const LONGEST_SUMMARY = 200;

function describeAnswer(answer: ChildAnswer): LogFields {
  if (answer.source === "none") return { said: null };
  if ("unreadable" in answer) return { said: "unreadable", why: answer.unreadable };
  const { result, doubt } = answer;
  const summary = result.summary.slice(0, LONGEST_SUMMARY);
  return { said: result.kind, ...(summary !== "" && { summary }), ...(doubt !== undefined && { doubt }) };
}
