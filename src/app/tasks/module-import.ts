/**
 * Which module of tasks this process is importing. Such a module runs here: it may end the process, or leave it nothing to
 * do while it waits for ever. Then no caller is told anything, and whoever sees the process end asks here why.
 */
import { WaybillError } from "../../domain/errors.js";

interface PendingImport {
  /** As its caller named it. */
  readonly file: string;
  /** Absolute. */
  readonly path: string;
}

/** Of a process, as its end is. */
const pending = new Set<PendingImport>();

export async function whileImporting<T>(module: PendingImport, load: Promise<T>): Promise<T> {
  pending.add(module);
  try {
    return await load;
  } finally {
    pending.delete(module);
  }
}

/**
 * Why this process ends before it was done: `invalid_task_module`; null when it imports no module.
 *
 * @param wasIdle whether it ends because nothing was left to do, not because something called `process.exit`
 */
export function unfinishedImport(wasIdle: boolean, code: number): WaybillError | null {
  const [module] = pending;
  if (module === undefined) return null;
  const { file, path } = module;
  if (wasIdle) {
    return new WaybillError("invalid_task_module", `${file} never finished loading: it awaits what never comes.`, {
      hint: "Look at each `await` at its top level, and at those of the modules that it imports.",
      details: { file: path },
    });
  }
  return new WaybillError("invalid_task_module", `${file} ended the process with exit code ${code} while it loaded.`, {
    hint: "Take process.exit() out of it and out of what it imports: a module of tasks is to define them, no more.",
    details: { file: path, exit_code: code },
  });
}
