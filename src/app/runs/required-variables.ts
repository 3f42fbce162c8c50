import { missingVariables } from "../../dispatch/program-environment.js";
import type { Runtime } from "../../dispatch/runtime.js";
import { WaybillError } from "../../domain/errors.js";
import type { RunRequest } from "../../domain/run.js";

/** Refuses a run that needs a variable which this environment does not have. Errors: `missing_env`. */
export function mustHaveVariables(runtime: Runtime, request: RunRequest): void {
  const missing = missingVariables(request.env, runtime.environment);
  if (missing.length === 0) return;
  throw new WaybillError("missing_env", `Not set in this environment: ${missing.join(", ")}.`, {
    hint: "`--env NAME` takes the value from here; `--env NAME=VALUE` gives one.",
    details: { missing },
  });
}
