/** The files of one attempt: what the child is told, and where it may answer. They are gone when the attempt is over. */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { WaybillError } from "../../domain/errors.js";

export interface AttemptFolder {
  readonly taskFile: string;
  /** Not there until the child writes it. */
  readonly resultFile: string;
  remove(): Promise<void>;
}

/**
 * @param parent the worker's own directory, which others cannot read
 * @throws `spawn_failed` when there is no place for it
 */
export async function openAttemptFolder(parent: string, fence: number, brief: string): Promise<AttemptFolder> {
  const path = join(parent, String(fence));
  const taskFile = join(path, "task.json");
  const remove = (): Promise<void> => rm(path, { recursive: true, force: true });
  try {
    await mkdir(path, { mode: 0o700 });
    await writeFile(taskFile, brief, { mode: 0o600 });
  } catch (cause) {
    await remove();
    throw new WaybillError(
      "spawn_failed",
      `A task could not be written for its command: ${(cause as Error).message}.`,
      {
        hint: "Is there room in WAYBILL_HOME, and may it be written?",
        cause,
      },
    );
  }
  return { taskFile, resultFile: join(path, "result"), remove };
}
