/** The name of a machine or of a tag, as plans and inventories write it. */
import * as z from "zod";

/** Safe in a path, a URL and a shell: letters, digits, `.`, `_` and `-`, with a letter or digit first. */
export const MACHINE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

export const machineName = z
  .string()
  .regex(MACHINE_NAME, { error: "expected letters, digits, '.', '_' or '-', with a letter or digit first" });
