import type { AttemptGuard } from "../../domain/attempt.js";
import type { AttemptWrite } from "../attempt-store.js";
import type { NewStep, Step, StepStore } from "../step-store.js";
import type { NewTask, Submitted } from "../task-store.js";
import type { SqlParams } from "./driver.js";
import { integer } from "./rows.js";
import type { Session } from "./session.js";
import { LIMIT } from "./statements.js";
import { guarded, refuseWrite } from "./task-ends.js";
import { logLineFromRow, stepFromRow, type TaskRow } from "./task-rows.js";
import { submitTasks } from "./task-submit.js";

export const STEPS_OF_TASK = `
  SELECT task_steps.* FROM tasks CROSS JOIN task_steps ON task_steps.seq = tasks.seq AND task_steps.run = tasks.run
  WHERE tasks.id = $id`;
export const STEP_OF_TASK = "SELECT * FROM task_steps WHERE seq = $seq AND run = $run AND name = $name";
export const LOG_OF_TASK = `
  SELECT * FROM task_logs WHERE seq = (SELECT seq FROM tasks WHERE id = $id) AND number > $after
  ORDER BY number DESC ${LIMIT}`;

const RECORD_STEP = `
  INSERT INTO task_steps (seq, run, name, attempt, kind, started_at, ended_at, result)
  VALUES ($seq, $run, $name, $attempt, $kind, $started_at, $ended_at, $result)
  ON CONFLICT (seq, run, name) DO NOTHING`;

/** Does `work` when the guard names the running attempt; else counts a refusal. */
function guardedWrite<T>(
  session: Session,
  guard: AttemptGuard,
  name: string,
  work: (row: TaskRow) => T,
): Promise<AttemptWrite<T>> {
  return session.write((): AttemptWrite<T> => {
    const row = guarded(session, guard);
    return row === null ? refuseWrite(session, guard, name) : { written: true, value: work(row) };
  });
}

const keysOf = (row: TaskRow, name: string): SqlParams => ({ seq: row.seq, run: row.run, name });

function findStep(session: Session, row: TaskRow, name: string): Step | null {
  const found = session.sql(STEP_OF_TASK).get(keysOf(row, name));
  return found === undefined ? null : stepFromRow(found);
}

function record(session: Session, row: TaskRow, step: NewStep): Step {
  const { name, kind, startedAt, result } = step;
  const endedAt = session.now();
  const values = { ...keysOf(row, name), attempt: row.attempt, kind, started_at: startedAt, ended_at: endedAt, result };
  if (session.sql(RECORD_STEP).run(values) === 0)
    return findStep(session, row, name) ?? { ...step, attempt: row.attempt, endedAt };
  return { ...step, attempt: row.attempt, endedAt };
}

function spawn(session: Session, row: TaskRow, name: string, tasks: readonly NewTask[]): readonly Submitted[] {
  const known = findStep(session, row, name);
  if (known !== null) return JSON.parse(known.result) as readonly Submitted[];
  const startedAt = session.now();
  const answers = submitTasks(session, tasks);
  const refused = answers.find((answer) => answer.outcome === "refused");
  // Thrown, it undoes its siblings too: a handler that goes on after the error would otherwise have half of them.
  if (refused?.outcome === "refused") throw refused.error;
  record(session, row, { name, kind: "spawn", startedAt, result: JSON.stringify(answers) });
  return answers;
}

export function sqliteSteps(session: Session): StepStore {
  return {
    recordStep: (guard, step) => guardedWrite(session, guard, "step", (row) => record(session, row, step)),
    spawnTasks: (guard, { name }, tasks) =>
      guardedWrite(session, guard, "spawn", (row) => spawn(session, row, name, tasks)),
    listSteps: (taskId) =>
      session.read(() => {
        // Sorted here: the index that finds them is in the order of their names.
        const rows = [...session.sql(STEPS_OF_TASK).all({ id: taskId })];
        return rows.sort((a, b) => integer(a, "number") - integer(b, "number")).map(stepFromRow);
      }),
    recordProgress: (guard, progress) =>
      guardedWrite(session, guard, "progress", ({ seq }) => {
        session.sql("UPDATE tasks SET progress = $progress WHERE seq = $seq").run({ seq, progress });
        return null;
      }),
    appendTaskLog: (guard, lines) =>
      guardedWrite(session, guard, "log", ({ seq, attempt }) => {
        const at = session.now();
        const append = session.sql(
          "INSERT INTO task_logs (seq, attempt, at, line) VALUES ($seq, $attempt, $at, $line)",
        );
        for (const line of lines) append.run({ seq, attempt, at, line });
        return null;
      }),
    readTaskLog: (taskId, limit, after = 0) =>
      session.read(() => session.sql(LOG_OF_TASK).all({ id: taskId, limit, after }).map(logLineFromRow).reverse()),
  };
}
