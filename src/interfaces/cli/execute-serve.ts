/** Carries out `waybill serve`: the log goes to stderr as it comes, the result to stdout when all is over. */
import type { InputOf } from "../../contracts/index.js";
import { EXIT } from "../../domain/errors.js";
import { listen } from "../http/listen.js";
import { success } from "./envelope.js";
import { renderServed } from "./render/serve.js";
import type { Session } from "./session.js";
import { readVersion } from "./version.js";

/** The first signal drains, the second hurries. Being told to stop is what a service is for: it leaves with 0. */
export async function executeServe(session: Session, input: InputOf<"system.serve">): Promise<number> {
  const { waybill, printer, json, interrupts } = session;
  const write = (line: string): void => printer.note(line.trimEnd());
  const service = { listen, hurry: interrupts.again, version: readVersion(), write };
  const data = await waybill.call("system.serve", input, { signal: interrupts.signal, service });
  await printer.line(json ? success(data) : renderServed(data));
  return EXIT.success;
}
