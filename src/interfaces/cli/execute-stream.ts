/** Carries out the operations that answer with a stream. */
import type { Progress } from "../../app/context.js";
import {
  type InputOf,
  type ItemOf,
  type OperationName,
  operationNamed,
  type StreamName,
} from "../../contracts/index.js";
import { type LogPiece, toLogChunkView } from "../../contracts/runs.js";
import { EXIT } from "../../domain/errors.js";
import { success } from "./envelope.js";
import { exitCodeOf, exitCodeOfBatch } from "./exit-code.js";
import { createLiveBatch } from "./live-batch.js";
import { createLiveTop } from "./live-top.js";
import { createLiveWorkers } from "./live-workers.js";
import { renderReport } from "./render/batches.js";
import { renderContact, renderOutcome } from "./render/runs.js";
import { renderEvent } from "./render/system.js";
import { renderNote } from "./render/task-thread.js";
import { printable } from "./render/text.js";
import type { Session } from "./session.js";

type Execute<N extends StreamName> = (session: Session, input: InputOf<N>) => Promise<number>;

const EXECUTE: { readonly [N in StreamName]: Execute<N> } = {
  "runs.logs": async (session, input) => {
    await printLog(session, "runs.logs", input);
    return EXIT.success;
  },
  "runs.attach": executeAttach,
  "batches.watch": executeWatch,
  "tasks.logs": async (session, input) => {
    const { waybill, printer, json } = session;
    const onProgress = (progress: Progress): void => {
      if (progress.type === "output") printer.note(`what its command writes: \`waybill runs logs ${progress.runId}\``);
    };
    for await (const line of waybill.stream("tasks.logs", input, { signal: leaving(session), onProgress })) {
      await printer.line(json ? success(line) : printable(line.line));
    }
    return EXIT.success;
  },
  "tasks.top": async (session, input) => {
    const { waybill, printer, json } = session;
    const live = await createLiveTop(printer, json, input.once === true);
    for await (const stats of waybill.stream("tasks.top", input, { signal: leaving(session) })) await live.show(stats);
    live.finish();
    return EXIT.success;
  },
  "tasks.notes": async (session, input) => {
    const { waybill, printer, json } = session;
    for await (const note of waybill.stream("tasks.notes", input, { signal: leaving(session) })) {
      await printer.line(json ? success(note) : renderNote(note));
    }
    return EXIT.success;
  },
  "workers.watch": async (session, input) => {
    const { waybill, printer, json } = session;
    const live = await createLiveWorkers(printer, json, input.once === true);
    const frames = waybill.stream("workers.watch", input, { signal: leaving(session) });
    for await (const frame of frames) await live.show(frame);
    live.finish();
    return EXIT.success;
  },
  "events.watch": async (session, input) => {
    const { waybill, printer, json } = session;
    for await (const event of waybill.stream("events.watch", input, { signal: leaving(session) })) {
      await printer.line(json ? success(event) : renderEvent(event));
    }
    return EXIT.success;
  },
};

/** Nothing is left to do for a reader that has gone, as after `| head`. */
const leaving = ({ interrupts, printer }: Session): AbortSignal => AbortSignal.any([interrupts.signal, printer.closed]);

export const isStream = (name: OperationName): name is StreamName => operationNamed(name).stream;

export async function executeStream<N extends StreamName>(
  session: Session,
  name: N,
  input: InputOf<N>,
): Promise<number> {
  return await (EXECUTE[name] as Execute<N>)(session, input);
}

async function printLog<N extends "runs.logs" | "runs.attach">(session: Session, name: N, input: InputOf<N>) {
  const { waybill, printer, json } = session;
  const onProgress = (progress: Progress): void => {
    if (progress.type === "contact") printer.note(renderContact(progress.change));
  };
  const pieces = waybill.stream(name, input, { signal: leaving(session), onProgress }) as AsyncGenerator<LogPiece>;
  for await (const piece of pieces) {
    await (json ? printer.line(success(toLogChunkView(piece))) : printer.write(piece.bytes));
  }
}

async function executeAttach(session: Session, input: InputOf<"runs.attach">): Promise<number> {
  await printLog(session, "runs.attach", input);
  const run = await session.waybill.call("runs.show", { id: input.id });
  if (leaving(session).aborted) {
    session.printer.note(`left running: run ${run.id}`);
    return EXIT.interrupted;
  }
  session.printer.note(renderOutcome(run));
  return exitCodeOf(run);
}

async function executeWatch(session: Session, input: InputOf<"batches.watch">): Promise<number> {
  const { waybill, printer, json } = session;
  const live = await createLiveBatch(printer, json);
  let last: ItemOf<"batches.watch"> | undefined;
  for await (const report of waybill.stream("batches.watch", input, { signal: leaving(session) })) {
    if (json) await printer.line(success(report));
    await live.show(report);
    last = report;
  }
  live.finish();
  if (last === undefined || leaving(session).aborted) return EXIT.interrupted;
  if (!json) await printer.line(await renderReport(last));
  return exitCodeOfBatch(last.progress);
}
