/** Reads the settings about what is kept of what has ended. */
import { formatByteSize, parseByteSize } from "../domain/byte-size.js";
import { formatDuration, parseDuration } from "../domain/duration.js";
import { WaybillError } from "../domain/errors.js";
import { DEFAULT_RETENTION, type Retention } from "../domain/retention.js";
import type { Setting } from "./settings.js";

const byDefault = (name: string, value: string): Setting => ({ name, value, origin: "default" });

export const RETENTION_DEFAULTS = {
  runs: byDefault("WAYBILL_KEEP_RUNS", String(DEFAULT_RETENTION.runsPerRef)),
  age: byDefault("WAYBILL_KEEP_FOR", formatDuration(DEFAULT_RETENTION.ageMs)),
  logs: byDefault("WAYBILL_KEEP_LOGS", formatByteSize(DEFAULT_RETENTION.logBytes)),
} as const;

type Sources = Readonly<Record<keyof typeof RETENTION_DEFAULTS, Setting>>;

const parseCount = (text: string): number | null => (/^[1-9]\d{0,8}$/.test(text) ? Number(text) : null);

/** Errors: `invalid_input` for a value that is neither what is expected nor `none`. */
function limit({ name, value, origin }: Setting, parse: (text: string) => number | null, example: string) {
  if (value === "none") return null;
  const parsed = parse(value);
  if (parsed !== null) return parsed;
  throw new WaybillError("invalid_input", `${name} is ${JSON.stringify(value)} (${origin}); it sets no limit.`, {
    hint: `Expected for example ${example}, or none to keep everything.`,
  });
}

/** `none` is no limit. Errors: `invalid_input`. */
export const readRetention = ({ runs, age, logs }: Sources): Retention => ({
  runsPerRef: limit(runs, parseCount, "1000"),
  ageMs: limit(age, parseDuration, "90d"),
  logBytes: limit(logs, parseByteSize, "20GiB"),
});
