/** A filter of runs as SQL: conditions applied inside of ordered walks of an index, so that a limit comes last. */
import { RUN_STATUSES, type RunStatus } from "../../domain/run.js";
import type { RunFilter, RunPage } from "../run-store.js";
import type { SqlParams } from "./driver.js";
import { sqlList } from "./statements.js";

const COLUMNS = {
  machine: "machine",
  batchId: "batch_id",
  ref: "ref",
  kind: "kind",
  testDirHash: "test_dir_hash",
  createdBy: "created_by",
  source: "source",
  client: "client",
  session: "session",
} as const satisfies Partial<Record<keyof RunFilter, string>>;

export type Bounds = Pick<RunPage, "before" | "from">;

type Column = keyof typeof COLUMNS;
const columnsOf = (filter: RunFilter): Column[] =>
  (Object.keys(COLUMNS) as Column[]).filter((key) => filter[key] !== undefined);

const labelsOf = (filter: RunFilter): [key: string, value: string][] => Object.entries(filter.labels ?? {});

export function filterParams(filter: RunFilter, bounds: Bounds = {}): SqlParams {
  const { before, from } = bounds;
  return {
    ...Object.fromEntries(columnsOf(filter).map((key) => [COLUMNS[key], filter[key] as string])),
    ...Object.fromEntries(
      labelsOf(filter).flatMap(([key, value], n) => [
        [`label_key_${n}`, key],
        [`label_value_${n}`, value],
      ]),
    ),
    ...(before === undefined ? {} : { before }),
    ...(from === undefined ? {} : { from }),
  };
}

/** The statuses asked for; asking for all six is asking for none, told as one null. */
export function statusesOf(filter: RunFilter): readonly (RunStatus | null)[] {
  const wanted = RUN_STATUSES.filter((status) => filter.statuses?.includes(status) ?? true);
  return wanted.length === RUN_STATUSES.length ? [null] : wanted;
}

export interface Walks {
  /** To be joined by UNION ALL; each goes along one index in the order of `key`. */
  readonly selects: readonly string[];
  readonly key: string;
}

/**
 * Several statuses are one ordered walk each, which SQLite merges: `status IN (…)` would have to sort what it found or
 * walk past everything else. A label has an index of its own, in the order of ids, and is walked instead of the runs.
 */
export function walksOf(filter: RunFilter, bounds: Bounds, columns: string): Walks {
  const [first, ...others] = labelsOf(filter);
  const key = first === undefined ? "id" : "label.run_id";
  const where = columnsOf(filter).map((name) => `${COLUMNS[name]} = $${COLUMNS[name]}`);
  if (bounds.before !== undefined) where.push(`${key} < $before`);
  if (bounds.from !== undefined) where.push(`${key} >= $from`);
  if (first === undefined) {
    const selects = statusesOf(filter).map((status) => {
      const conditions = status === null ? where : [`status = '${status}'`, ...where];
      return `SELECT ${columns} FROM runs${conditions.length === 0 ? "" : ` WHERE ${conditions.join(" AND ")}`}`;
    });
    return { selects, key };
  }
  const statuses = statusesOf(filter).filter((status) => status !== null);
  if (statuses.length > 0) where.push(`status IN (${sqlList(statuses)})`);
  const more = others.map(
    (_label, n) => `EXISTS (SELECT 1 FROM run_labels AS other WHERE other.run_id = runs.id
      AND other.key = $label_key_${n + 1} AND other.value = $label_value_${n + 1})`,
  );
  const conditions = ["label.key = $label_key_0", "label.value = $label_value_0", ...where, ...more];
  const from = "run_labels AS label CROSS JOIN runs ON runs.id = label.run_id";
  return { selects: [`SELECT ${columns} FROM ${from} WHERE ${conditions.join(" AND ")}`], key };
}
