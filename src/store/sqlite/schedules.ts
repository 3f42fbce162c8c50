import type { CatchUpPolicy, OverlapPolicy, Rhythm, Schedule } from "../../domain/schedule.js";
import { isEndedTask, type TaskState } from "../../domain/task.js";
import type { Firing, NewSchedule, ScheduleStore } from "../schedule-store.js";
import type { SqlParams, SqlRow } from "./driver.js";
import { integer, integerOrNull, text } from "./rows.js";
import type { Session } from "./session.js";
import { LIMIT } from "./statements.js";
import { submitTasks } from "./task-submit.js";

export const DUE_SCHEDULES = `
  SELECT * FROM schedules WHERE next_at <= $now AND next_at IS NOT NULL AND paused = 0 ORDER BY next_at ${LIMIT}`;
export const NEXT_SCHEDULE = `
  SELECT next_at FROM schedules WHERE next_at IS NOT NULL AND paused = 0 ORDER BY next_at LIMIT 1`;

/** A schedule whose rhythm stays keeps its place in time; another rhythm begins anew. */
const SET = `
  INSERT INTO schedules (name, type, params, rhythm, catch_up, overlap, next_at)
  VALUES ($name, $type, $params, $rhythm, $catch_up, $overlap, $next_at)
  ON CONFLICT (name) DO UPDATE SET type = excluded.type, params = excluded.params, catch_up = excluded.catch_up,
    overlap = excluded.overlap, rhythm = excluded.rhythm,
    next_at = CASE WHEN rhythm = excluded.rhythm THEN next_at ELSE excluded.next_at END`;

const scheduleFromRow = (row: SqlRow): Schedule => ({
  name: text(row, "name"),
  type: text(row, "type"),
  params: JSON.parse(text(row, "params")) as Schedule["params"],
  rhythm: JSON.parse(text(row, "rhythm")) as Rhythm,
  catchUp: text(row, "catch_up") as CatchUpPolicy,
  overlap: text(row, "overlap") as OverlapPolicy,
  paused: row.paused === 1,
  nextAt: integerOrNull(row, "next_at"),
  lastAt: integerOrNull(row, "last_at"),
  lastTaskId: row.last_task_id as string | null,
});

const definitionParams = (schedule: NewSchedule): SqlParams => ({
  name: schedule.name,
  type: schedule.type,
  params: JSON.stringify(schedule.params),
  rhythm: JSON.stringify(schedule.rhythm),
  catch_up: schedule.catchUp,
  overlap: schedule.overlap,
});

function differs(session: Session, schedule: NewSchedule): boolean {
  const row = session.sql("SELECT * FROM schedules WHERE name = $name").get({ name: schedule.name });
  return row === undefined || Object.entries(definitionParams(schedule)).some(([name, value]) => row[name] !== value);
}

const read = (session: Session, name: string): Schedule | null => {
  const row = session.sql("SELECT * FROM schedules WHERE name = $name").get({ name });
  return row === undefined ? null : scheduleFromRow(row);
};

function stillRuns(session: Session, taskId: string | null): boolean {
  if (taskId === null) return false;
  const row = session.sql("SELECT state FROM tasks WHERE id = $id").get({ id: taskId });
  return row !== undefined && !isEndedTask(row.state as TaskState);
}

function fire(session: Session, firing: Firing): boolean {
  const schedule = read(session, firing.name);
  if (schedule === null || schedule.nextAt !== firing.dueAt || schedule.paused) return false;
  let { lastAt, lastTaskId } = schedule;
  for (const { at, task } of firing.tasks) {
    if (schedule.overlap === "skip" && stillRuns(session, lastTaskId)) continue;
    for (const answer of submitTasks(session, [task])) lastTaskId = answer.id;
    lastAt = at;
  }
  session
    .sql("UPDATE schedules SET next_at = $next_at, last_at = $last_at, last_task_id = $task_id WHERE name = $name")
    .run({ name: firing.name, next_at: firing.nextAt, last_at: lastAt, task_id: lastTaskId });
  return true;
}

export function sqliteSchedules(session: Session): ScheduleStore {
  return {
    async setSchedules(schedules) {
      const changed = await session.read(() => schedules.some((schedule) => differs(session, schedule)));
      if (!changed) return;
      await session.write(() => {
        for (const schedule of schedules) {
          session.sql(SET).run({ ...definitionParams(schedule), next_at: schedule.nextAt });
        }
      });
    },
    dueSchedules: (limit) =>
      session.read(() => session.sql(DUE_SCHEDULES).all({ now: session.now(), limit }).map(scheduleFromRow)),
    nextScheduleAt: () =>
      session.read(() => {
        const row = session.sql(NEXT_SCHEDULE).get();
        return row === undefined ? null : integer(row, "next_at");
      }),
    fireSchedule: (firing) => session.write(() => fire(session, firing)),
    listSchedules: () =>
      session.read(() => session.sql("SELECT * FROM schedules ORDER BY name").all().map(scheduleFromRow)),
    pauseSchedule: (name, paused) =>
      session.write(() => {
        session.sql("UPDATE schedules SET paused = $paused WHERE name = $name").run({ name, paused: paused ? 1 : 0 });
        return read(session, name);
      }),
    removeSchedule: (name) =>
      session.write(() => session.sql("DELETE FROM schedules WHERE name = $name").run({ name }) > 0),
  };
}
