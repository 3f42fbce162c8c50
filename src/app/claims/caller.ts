/** Who calls, and under which fence, as far as flags or the environment say so. Labels for people; the fence alone decides. */
import { hostname } from "node:os";
import type { Settings } from "../../config/settings.js";
import { WaybillError } from "../../domain/errors.js";
import { isLabel } from "../../domain/worker.js";

type Facts = Pick<Settings, "environment" | "user">;

/** Errors: `invalid_input` for a variable that is no label. An empty one counts as not set. */
function labelFrom({ environment }: Facts, name: string): string | null {
  const value = environment[name] ?? "";
  if (value === "") return null;
  if (isLabel(value)) return value;
  throw new WaybillError(
    "invalid_input",
    `${name} has ${value.length} characters; expected 1 to 200 of valid Unicode.`,
  );
}

/** Errors: `invalid_input` for a variable that is no label. */
export const agentIdOf = (settings: Facts, given: string | undefined): string =>
  given ?? labelFrom(settings, "WAYBILL_AGENT_ID") ?? `${settings.user}@${hostname()}`;

/** Null when neither says so. Errors: `invalid_input` for a variable that is no label. */
export const sessionOf = (settings: Facts, given: string | undefined): string | null =>
  given ?? labelFrom(settings, "WAYBILL_SESSION");

/** Errors: `invalid_input` when there is none, or the variable is none. */
export function fenceOf({ environment }: Facts, given: number | undefined): number {
  if (given !== undefined) return given;
  const text = environment.WAYBILL_FENCE ?? "";
  if (/^[1-9]\d{0,15}$/.test(text)) return Number(text);
  const found = text === "" ? "There is no fence" : `WAYBILL_FENCE is ${JSON.stringify(text)}`;
  throw new WaybillError("invalid_input", `${found}; expected the number that came with the claim.`, {
    hint: 'Give it with --fence, or in the environment: claim=$(waybill tasks claim --env) && eval "$claim".',
  });
}

/**
 * The same for who may call without a fence: null then. That of the environment counts for its own task alone: whoever
 * executes one may call for another. Errors: `invalid_input` when the variable is no fence.
 */
export function presentedFence(settings: Facts, taskId: string, given: number | undefined): number | null {
  const { WAYBILL_TASK_ID, WAYBILL_FENCE = "" } = settings.environment;
  const isTold = given !== undefined || (WAYBILL_TASK_ID === taskId && WAYBILL_FENCE !== "");
  return isTold ? fenceOf(settings, given) : null;
}
