/** The files of one attempt: what the child is told, and where it may answer. They are gone when the attempt is over. */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

export interface AttemptFolder {
  readonly taskFile: string;
  /** Not there until the child writes it. */
  readonly resultFile: string;
  remove(): Promise<void>;
}

/** @param parent the worker's own directory, which others cannot read */
export async function openAttemptFolder(parent: string, fence: number, brief: string): Promise<AttemptFolder> {
  const path = join(parent, String(fence));
  const taskFile = join(path, "task.json");
  await mkdir(path, { mode: 0o700 });
  await writeFile(taskFile, brief, { mode: 0o600 });
  return {
    taskFile,
    resultFile: join(path, "result"),
    remove: () => rm(path, { recursive: true, force: true }),
  };
}
