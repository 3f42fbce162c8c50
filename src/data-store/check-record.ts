/** Checks of records that come from outside: callers without types, files. */
import { WaybillError } from "../domain/errors.js";
import { BACKGROUND_RUN_STATUSES, type BackgroundRun, type ExecutionRecord } from "./data-store.js";

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === "string";
const isName: Check = (value) => typeof value === "string" && value !== "";
const isTime: Check = (value) => typeof value === "string" && !Number.isNaN(Date.parse(value));
const isWhole: Check = (value) => Number.isInteger(value);
const isStatus: Check = (value) => (BACKGROUND_RUN_STATUSES as readonly unknown[]).includes(value);
const orNothing =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);

const EXECUTION: Record<keyof ExecutionRecord, Check> = {
  ref: isName,
  startedAt: isTime,
  duration: (value) => isWhole(value) && (value as number) >= 0,
  exitCode: isWhole,
  error: orNothing(isText),
  logArchiveId: orNothing(isText),
};

const BACKGROUND: Record<keyof BackgroundRun, Check> = {
  id: isName,
  pid: isWhole,
  ref: isName,
  startedAt: isTime,
  status: isStatus,
  logArchiveId: orNothing(isText),
  error: orNothing(isText),
  completedAt: orNothing(isTime),
};

/** The known fields of a record, checked. Errors: `invalid_input` that names the field. */
function check<T>(what: string, checks: Readonly<Record<string, Check>>, value: unknown): T {
  const found = typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  const wrong = Object.keys(checks).find((field) => checks[field]?.(found[field]) === false);
  if (wrong !== undefined) {
    throw new WaybillError(
      "invalid_input",
      `The ${what} has ${JSON.stringify(found[wrong]) ?? "no value"} as ${wrong}.`,
      {
        hint: `Expected the fields ${Object.keys(checks).join(", ")}, as the DataStore documents them.`,
        details: { field: wrong },
      },
    );
  }
  return Object.fromEntries(Object.entries(found).filter(([name, v]) => name in checks && v !== undefined)) as T;
}

export const checkExecution = (value: unknown): ExecutionRecord => check("execution record", EXECUTION, value);
export const checkBackgroundRun = (value: unknown): BackgroundRun => check("background run", BACKGROUND, value);

/** Errors: `invalid_input` for an empty name, which no record has. */
export function mustBeNamed(what: string, name: string): void {
  if (name === "") throw new WaybillError("invalid_input", `The ${what} is empty; expected a name.`);
}
