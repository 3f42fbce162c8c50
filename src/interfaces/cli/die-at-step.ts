/** Crash tests that anybody can run: `WAYBILL_KILL_AT=<step>` makes this process kill itself when it passes the step. */
import { WaybillError } from "../../domain/errors.js";
import { type OnStep, STEPS } from "../../observe/steps.js";

/**
 * @param killAt the step's name, or null for a process that is to live
 * @throws `invalid_input` for a step that there is not: a crash that never comes proves nothing
 */
export function dieAtStep(killAt: string | null): OnStep {
  if (killAt === null) return () => undefined;
  if (!(STEPS as readonly string[]).includes(killAt)) {
    throw new WaybillError("invalid_input", `WAYBILL_KILL_AT is ${JSON.stringify(killAt)}, which is not a step.`, {
      hint: `Expected any of ${STEPS.join(", ")}.`,
    });
  }
  return (step) => {
    if (step === killAt) process.kill(process.pid, "SIGKILL");
  };
}
