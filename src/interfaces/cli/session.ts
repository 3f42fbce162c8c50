/** One command while it is carried out: what it works with, where it prints, what may interrupt it. */
import type { Waybill } from "../../app/open.js";
import type { Interrupts } from "./interrupts.js";
import type { Printer } from "./printer.js";

export interface Session {
  readonly waybill: Waybill;
  readonly printer: Printer;
  readonly json: boolean;
  readonly interrupts: Interrupts;
}
