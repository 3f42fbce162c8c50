/** Process variables: the variables of a scope, under the names of the source. */
import { WaybillError } from "../domain/errors.js";
import { checkVariable, type Variable } from "../domain/variable.js";
import { mustBeNamed } from "./check-record.js";
import type { DataStore } from "./data-store.js";
import type { Opened } from "./opened.js";

const PAGE = 500;

type ProcessVariables = Pick<
  DataStore,
  | "createProcessBucket"
  | "deleteProcessBucket"
  | "setProcessVar"
  | "getProcessVar"
  | "getAllProcessVars"
  | "getProcessVarKeys"
  | "deleteProcessVar"
>;

async function seenFrom({ store }: Opened, scope: string): Promise<Variable[]> {
  mustBeNamed("bucket id", scope);
  const seen: Variable[] = [];
  const page = { prefix: "", own: false, limit: PAGE };
  for (let after: string | null = null; ; after = seen.at(-1)?.key ?? null) {
    const found = await store.variables.listVariables(scope, { ...page, after });
    seen.push(...found);
    if (found.length < PAGE) return seen;
  }
}

export function processVariables(opened: Opened): ProcessVariables {
  const { variables } = opened.store;
  return {
    createProcessBucket: async (id) => checkVariable(id, "any"),
    deleteProcessBucket: async (id) => {
      mustBeNamed("bucket id", id);
      await variables.removeScope(id);
    },
    setProcessVar: async (scope, key, value) => {
      await variables.setVariable({ scope, key, value, format: "text", ttlMs: null, condition: null });
    },
    getProcessVar: async (scope, key) => {
      const found = await variables.getVariable(scope, key);
      if (found !== null) return found.value;
      throw new WaybillError(
        "variable_not_found",
        `Key ${JSON.stringify(key)} is not in bucket ${JSON.stringify(scope)}.`,
        {
          hint: "getProcessVarKeys() has those that can be seen from a bucket.",
          details: { bucketId: scope, key },
        },
      );
    },
    getAllProcessVars: async (scope) =>
      Object.fromEntries((await seenFrom(opened, scope)).map(({ key, value }) => [key, value])),
    getProcessVarKeys: async (scope) => (await seenFrom(opened, scope)).map(({ key }) => key),
    deleteProcessVar: async (scope, key) => {
      await variables.dropVariable(scope, key);
    },
  };
}
