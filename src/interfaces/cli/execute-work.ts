/** Carries out `waybill work`: a line on stderr for each attempt that begins or ends, the result to stdout when all is over. */
import type { InputOf } from "../../contracts/index.js";
import { serviceLog } from "../../observe/service-log.js";
import { success } from "./envelope.js";
import { exitCodeOfCall } from "./exit-code.js";
import { renderWorked } from "./render/work.js";
import type { Session } from "./session.js";

/** The first signal ends the claiming, the second what runs. Being told to stop is what a worker is for: it leaves with 0. */
export async function executeWork(session: Session, input: InputOf<"workers.work">): Promise<number> {
  const { waybill, printer, json, interrupts } = session;
  const log = serviceLog(json ? "json" : "text", (line) => printer.note(line.trimEnd()));
  const watch = { log, hurry: interrupts.again };
  const data = await waybill.call("workers.work", input, { signal: interrupts.signal, watch });
  await printer.line(json ? success(data) : renderWorked(data));
  return exitCodeOfCall("workers.work", data);
}
