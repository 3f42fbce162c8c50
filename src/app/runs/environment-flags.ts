/** Reads `NAME=VALUE` and `NAME` as people give them on a command line. */
import { WaybillError } from "../../domain/errors.js";
import type { EnvValue } from "../../domain/run.js";

/** Portable names of variables (POSIX.1-2017, 8.1); `WAYBILL_*` is Waybill's own. */
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Errors: `invalid_input` for a name that no shell takes. */
export function parseEnvironmentFlags(flags: readonly string[]): Record<string, EnvValue> {
  const env: Record<string, EnvValue> = {};
  for (const flag of flags) {
    const at = flag.indexOf("=");
    const name = at < 0 ? flag : flag.slice(0, at);
    if (!NAME.test(name) || name.startsWith("WAYBILL_")) {
      throw new WaybillError("invalid_input", `${JSON.stringify(name)} cannot be the name of a variable here.`, {
        hint: "A name is letters, digits and _, does not start with a digit, and WAYBILL_* is reserved.",
      });
    }
    env[name] = at < 0 ? { fromEnv: name } : flag.slice(at + 1);
  }
  return env;
}

/** Labels as `key=value`; the contract has checked that there is a `=`. */
export function parseLabelFlags(flags: readonly string[]): Record<string, string> {
  return Object.fromEntries(flags.map((flag) => [flag.slice(0, flag.indexOf("=")), flag.slice(flag.indexOf("=") + 1)]));
}
