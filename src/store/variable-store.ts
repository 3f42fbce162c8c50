import type { ValueFormat, Variable } from "../domain/variable.js";

export interface VariableWrite {
  readonly scope: string;
  readonly key: string;
  readonly value: string;
  readonly format: ValueFormat;
  /** Milliseconds from now until it is gone; null: it stays. */
  readonly ttlMs: number | null;
  /** `absent`: only where the scope itself has no such key. A number: only over that very revision in the scope itself. */
  readonly condition: "absent" | number | null;
}

export type VariableAnswer =
  | { readonly written: true; readonly variable: Variable }
  | { readonly written: false; readonly found: Variable | null };

export interface VariablePage {
  /** Only keys that start with this. */
  readonly prefix: string;
  /** Only what the scope itself holds, nothing inherited. */
  readonly own: boolean;
  /** Keys after this one; pages go by key. */
  readonly after: string | null;
  readonly limit: number;
}

/**
 * Variables by scope. What has expired does not exist. A scope needs no making: it is as empty as it is unknown, and its
 * parent is told by the run that it is named after.
 */
export interface VariableStore {
  /** The variable as seen from `scope`: its own, else the nearest ancestor's, else root's. */
  getVariable(scope: string, key: string): Promise<Variable | null>;
  /** Variables as seen from `scope`, by key; the nearest scope wins. */
  listVariables(scope: string, page: VariablePage): Promise<readonly Variable[]>;
  setVariable(write: VariableWrite): Promise<VariableAnswer>;
  /** Adds to a whole number, an absent one counting as 0, and sets the sum in `scope`. Null when it is no whole number. */
  incrementVariable(scope: string, key: string, by: number): Promise<Variable | null>;
  /** Hides the key from `scope` on, whatever an ancestor says; false when it was not to be seen anyway. */
  removeVariable(scope: string, key: string): Promise<boolean>;
  /** Removes what the scope itself holds, so that an ancestor's shines through again; false when it holds no such key. */
  dropVariable(scope: string, key: string): Promise<boolean>;
  /** Forgets all that the scope itself holds; how many that were. */
  removeScope(scope: string): Promise<number>;
}
