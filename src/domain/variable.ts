/**
 * Variables and their scopes. A run's scope is named by the run's id, its parent is the parent run's, and the last of
 * every chain is `root`: a lookup takes the first scope that knows the key, so that a child wins.
 */
import { WaybillError } from "./errors.js";

export const ROOT_SCOPE = "root";

/** How a value is meant: text as given, or JSON that was checked when it was set. */
export const VALUE_FORMATS = ["text", "json"] as const;
export type ValueFormat = (typeof VALUE_FORMATS)[number];

export interface Variable {
  readonly key: string;
  readonly value: string;
  readonly format: ValueFormat;
  /** Grows with every write of any variable, so that a revision never names two values. */
  readonly revision: number;
  /** The scope in which it was found. */
  readonly origin: string;
  readonly updatedAt: number;
  readonly expiresAt: number | null;
}

/** Lengths in UTF-16 code units. */
export const LONGEST_KEY = 4_096;
export const LONGEST_VALUE = 64 * 1024 * 1024;

/** Errors: `invalid_input` for an empty or over-long key, scope or value, and for text that is not well-formed. */
export function checkVariable(scope: string, key: string, value = ""): void {
  for (const [what, text] of Object.entries({ scope, key })) {
    if (text === "") throw new WaybillError("invalid_input", `The ${what} is empty; expected a name.`);
    if (text.length > LONGEST_KEY) {
      throw new WaybillError("invalid_input", `The ${what} has ${text.length} characters; at most ${LONGEST_KEY} fit.`);
    }
  }
  if (value.length > LONGEST_VALUE) {
    throw new WaybillError("invalid_input", `The value has ${value.length} characters; at most ${LONGEST_VALUE} fit.`, {
      hint: "Put large data into a file and its path into the variable.",
    });
  }
  // A lone surrogate has no UTF-8 form; stored, it would come back as another character.
  const broken = Object.entries({ scope, key, value }).find(([, text]) => !text.isWellFormed());
  if (broken !== undefined) throw new WaybillError("invalid_input", `The ${broken[0]} is not well-formed Unicode.`);
}
