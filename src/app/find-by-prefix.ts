/** Finds the one record whose id is given whole or by a unique prefix. */
import { type ErrorCode, WaybillError } from "../domain/errors.js";

/** How many candidates an error names; one more is looked for, to know whether there are others. */
const NAMED = 5;

export interface Lookup<T> {
  /** The noun, for messages: `run`. */
  readonly what: string;
  readonly notFound: ErrorCode;
  /** Records whose id starts with the prefix, at most `limit`. */
  readonly find: (prefix: string, limit: number) => Promise<readonly T[]>;
  /** Where the newest ones are shown. */
  readonly list: string;
}

/** Errors: the lookup's `notFound`; `ambiguous_id`, which names candidates. */
export async function findByPrefix<T extends { readonly id: string }>(lookup: Lookup<T>, id: string): Promise<T> {
  const found = await lookup.find(id, NAMED + 1);
  const exact = found.find((record) => record.id === id);
  if (exact !== undefined) return exact;
  const [only, ...others] = found;
  if (only === undefined) {
    throw new WaybillError(lookup.notFound, `There is no ${lookup.what} ${JSON.stringify(id)}.`, {
      hint: `\`${lookup.list}\` shows the newest ones.`,
      details: { id },
    });
  }
  if (others.length === 0) return only;
  const candidates = found.slice(0, NAMED).map((record) => record.id);
  const message = `${JSON.stringify(id)} is the beginning of several ${lookup.what} ids.`;
  throw new WaybillError("ambiguous_id", message, {
    hint: `Give more of it: ${candidates.join(", ")}${found.length > NAMED ? ", ..." : ""}`,
    details: { id, candidates },
  });
}
