import { WaybillError } from "../domain/errors.js";
import { type CallerDatabase, submitWithinTransaction } from "../store/sqlite/caller-transaction.js";
import { newTaskId } from "./new-task-id.js";
import { prepareSubmission, type SubmitOptions } from "./submission.js";
import type { TaskDefinition } from "./task-definition.js";

/**
 * Submits a task inside the caller's own transaction on the file of the store: with a row of the caller's, or not at all.
 * Engines of other processes and connections see it within milliseconds of the commit.
 *
 * @returns the task's id: that of a known task when the id or the unique key was there before
 *
 * Errors: those of `TaskClient.submit`; `invalid_state` without an open transaction; `invalid_input` for a schema that
 * answers only later, since a transaction cannot wait.
 */
export function submitWithin<Input>(
  database: CallerDatabase,
  task: TaskDefinition<string, Input>,
  params: NoInfer<Input>,
  options: SubmitOptions = {},
): string {
  const prepared = prepareSubmission(task, params, options, { newId: newTaskId });
  if (prepared instanceof Promise) {
    // Its own failure is of no interest any more.
    prepared.catch(() => undefined);
    throw new WaybillError(
      "invalid_input",
      `The schema of "${task.type}" checks asynchronously; a transaction cannot wait.`,
    );
  }
  const [answer] = submitWithinTransaction(database, [prepared]);
  if (answer === undefined) throw new WaybillError("internal", "A submission was not answered.");
  if (answer.outcome === "refused") throw answer.error;
  return answer.id;
}
