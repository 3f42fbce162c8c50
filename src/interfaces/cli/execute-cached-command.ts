/** Carries out `waybill cache run`: stdout is the command's, executed or replayed; which of them is said on stderr. */
import type { InputOf } from "../../contracts/index.js";
import { EXIT } from "../../domain/errors.js";
import { success } from "./envelope.js";
import { endedByItself, showCommand } from "./execute-command.js";
import { exitCodeOfCall } from "./exit-code.js";
import { renderCachedRun } from "./render/cache.js";
import type { Session } from "./session.js";

export async function executeCachedCommand(session: Session, input: InputOf<"cache.run">): Promise<number> {
  const { waybill, printer, json, interrupts } = session;
  const options = { signal: interrupts.signal, onProgress: showCommand(session, false) };
  const data = await waybill.call("cache.run", input, options);
  if (json) await printer.line(success(data));
  else if (interrupts.left()) printer.note(`left running: \`waybill runs attach ${data.run.id}\` follows it`);
  else if (data.hit || !endedByItself(data.run)) printer.note(`waybill: ${renderCachedRun(data)}`);
  return interrupts.left() ? EXIT.interrupted : exitCodeOfCall("cache.run", data);
}
