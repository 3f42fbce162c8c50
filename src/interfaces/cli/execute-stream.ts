/** Carries out the operations that answer with a stream. */
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
import type { Session } from "./execute.js";
import { exitCodeOf, exitCodeOfBatch } from "./exit-code.js";
import { createLiveBatch } from "./live-batch.js";
import { renderReport } from "./render/batches.js";
import { renderOutcome } from "./render/runs.js";
import { renderEvent } from "./render/system.js";

type Execute<N extends StreamName> = (session: Session, input: InputOf<N>) => Promise<number>;

const EXECUTE: { readonly [N in StreamName]: Execute<N> } = {
  "runs.logs": async (session, input) => {
    await printLog(session, "runs.logs", input);
    return EXIT.success;
  },
  "runs.attach": executeAttach,
  "batches.watch": executeWatch,
  "events.watch": async ({ waybill, printer, json, interrupts }, input) => {
    for await (const event of waybill.stream("events.watch", input, { signal: interrupts.signal })) {
      await printer.line(json ? success(event) : renderEvent(event));
    }
    return EXIT.success;
  },
};

export const isStream = (name: OperationName): name is StreamName => operationNamed(name).stream;

export async function executeStream<N extends StreamName>(
  session: Session,
  name: N,
  input: InputOf<N>,
): Promise<number> {
  return await (EXECUTE[name] as Execute<N>)(session, input);
}

async function printLog<N extends "runs.logs" | "runs.attach">(session: Session, name: N, input: InputOf<N>) {
  const { waybill, printer, json, interrupts } = session;
  const pieces = waybill.stream(name, input, { signal: interrupts.signal }) as AsyncGenerator<LogPiece>;
  for await (const piece of pieces) {
    await (json ? printer.line(success(toLogChunkView(piece))) : printer.write(piece.bytes));
  }
}

async function executeAttach(session: Session, input: InputOf<"runs.attach">): Promise<number> {
  await printLog(session, "runs.attach", input);
  const run = await session.waybill.call("runs.show", { id: input.id });
  if (session.interrupts.left()) {
    session.printer.note(`left running: run ${run.id}`);
    return EXIT.interrupted;
  }
  session.printer.note(renderOutcome(run));
  return exitCodeOf(run);
}

async function executeWatch(session: Session, input: InputOf<"batches.watch">): Promise<number> {
  const { waybill, printer, json, interrupts } = session;
  const live = await createLiveBatch(printer, json);
  let last: ItemOf<"batches.watch"> | undefined;
  for await (const report of waybill.stream("batches.watch", input, { signal: interrupts.signal })) {
    if (json) await printer.line(success(report));
    await live.show(report);
    last = report;
  }
  live.finish();
  if (last === undefined || interrupts.left()) return EXIT.interrupted;
  if (!json) await printer.line(await renderReport(last));
  return exitCodeOfBatch(last.progress);
}
