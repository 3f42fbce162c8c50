/** Carries out what gives somebody a task: prints the claim, or with `--env` what a shell takes into its environment. */
import type { CallOptions } from "../../app/context.js";
import type { ClaimView } from "../../contracts/claim-view.js";
import type { InputOf } from "../../contracts/index.js";
import { EXIT } from "../../domain/errors.js";
import { success } from "./envelope.js";
import { renderClaim } from "./render/claims.js";
import type { Session } from "./session.js";
import { tellWaiting } from "./tell-waiting.js";

export type Giving =
  | { readonly name: "tasks.claim"; readonly input: InputOf<"tasks.claim"> }
  | { readonly name: "tasks.handoff"; readonly input: InputOf<"tasks.handoff"> };

export async function executeClaim(session: Session, giving: Giving): Promise<number> {
  const { printer, json } = session;
  const claim = await give(session, giving);
  if (json) await printer.line(success(claim));
  else await printer.line(giving.input.env === true ? toExports(claim.env) : renderClaim(claim));
  return EXIT.success;
}

async function give({ waybill, interrupts, printer }: Session, { name, input }: Giving): Promise<ClaimView> {
  const options: CallOptions = { signal: interrupts.signal, onProgress: tellWaiting(printer) };
  return name === "tasks.claim" ? await waybill.call(name, input, options) : await waybill.call(name, input, options);
}

/** In single quotes a shell takes everything as it is; the quote itself ends them, stands escaped, and begins them again. */
const toExports = (variables: Readonly<Record<string, string>>): string =>
  Object.entries(variables)
    .map(([name, value]) => `export ${name}='${value.replaceAll("'", "'\\''")}'`)
    .join("\n");
