/** Types of tasks for people: their limits and schedules. */
import type { OutputOf } from "../../../contracts/index.js";
import type { TaskTypeView } from "../../../contracts/task-types.js";
import { formatDuration } from "../../../domain/duration.js";
import { formatTime, printable, table } from "./text.js";

type Schedule = TaskTypeView["schedules"][number];

export async function renderTaskTypes({ path, types }: OutputOf<"tasks.check">): Promise<string> {
  const rows = types.map((type) => [
    printable(type.type),
    String(type.max_attempts),
    limitOf(type.timeout_ms),
    limitOf(type.deadline_ms),
    atOnce(type),
    [rateOf(type.rate_limit), rateOf(type.key_rate_limit, " a key")].filter(Boolean).join(", "),
    type.isolated ? "yes" : "",
  ]);
  const listed = await table(["TYPE", "ATTEMPTS", "TIMEOUT", "DEADLINE", "AT ONCE", "RATE", "ISOLATED"], rows);
  const scheduled = types.flatMap((type) => type.schedules.map((schedule) => scheduleRow(type.type, schedule)));
  const found = `${path}: ${types.length} ${types.length === 1 ? "type" : "types"}`;
  if (scheduled.length === 0) return `${listed}\n\n${found}`;
  const schedules = await table(["SCHEDULE", "TYPE", "DUE", "NEXT", "MISSED", "OVERLAP"], scheduled);
  return `${listed}\n\n${schedules}\n\n${found}`;
}

const limitOf = (ms: number | null): string => (ms === null ? "" : formatDuration(ms));

function atOnce({ concurrency, key_concurrency: perKey }: TaskTypeView): string {
  const key = perKey === 1 ? "" : `${perKey} a key`;
  return [concurrency === null ? "" : String(concurrency), key].filter(Boolean).join(", ");
}

const rateOf = (rate: TaskTypeView["rate_limit"], of = ""): string =>
  rate === null ? "" : `${rate.max} in ${formatDuration(rate.per_ms)}${of}`;

function scheduleRow(type: string, schedule: Schedule): string[] {
  const { cron, time_zone: zone, every_ms: every } = schedule;
  const due = cron === null ? `every ${formatDuration(every ?? 0)}` : `${cron} in ${zone}`;
  const next = formatTime(schedule.next_at, Date.now());
  return [printable(schedule.name), printable(type), due, next, schedule.catch_up, schedule.overlap];
}
