/** Reads a document of tasks that another program wrote, whichever of those that are known it is. */
import * as z from "zod";
import { WaybillError } from "../domain/errors.js";
import { inOrderOfDependencies } from "../domain/task-links.js";
import { fileError, type ValuePath } from "./file-problem.js";
import { importManifest, manifestSchema } from "./import-manifest.js";
import { importTaskList, taskListSchema } from "./import-task-list.js";
import type { Imported, ImportedTask, ImportNote, ImportOptions } from "./imported-task.js";
import type { ValueFault } from "./schema-issue.js";
import { readYaml } from "./yaml-document.js";
import { decodeText } from "./yaml-guard.js";
import { isMap } from "./yaml-values.js";

export const IMPORT_FORMATS = ["task_list", "dispatch_manifest"] as const;
export type ImportFormat = (typeof IMPORT_FORMATS)[number];

export interface ImportReading {
  readonly format: ImportFormat;
  readonly tasks: readonly ImportedTask[];
  readonly notes: readonly ImportNote[];
}

/** How one kind of document is read. */
interface Format {
  readonly name: ImportFormat;
  readonly schema: z.ZodType;
  /** Null for a document that does not fit the schema. */
  readonly read: (document: unknown, options: ImportOptions) => Imported | null;
}

function makeFormat<T>(
  name: ImportFormat,
  schema: z.ZodType<T>,
  toTasks: (data: T, options: ImportOptions) => Imported,
): Format {
  const read = (document: unknown, options: ImportOptions): Imported | null => {
    const parsed = schema.safeParse(document);
    if (!parsed.success) return null;
    const imported = toTasks(parsed.data, options);
    return { ...imported, faults: [...imported.faults, ...faultsAmong(imported.tasks)] };
  };
  return { name, schema, read };
}

const listFormat = <T>(
  schema: z.ZodType<T>,
  place: ValuePath,
  listIn: (data: T) => Parameters<typeof importTaskList>[0],
): Format => makeFormat("task_list", schema, (data, options) => importTaskList(listIn(data), place, options));

/** By what stands at its root; null when it is none of those that are known. */
function formatOf(value: unknown): Format | null {
  const { bare, v1, v2 } = taskListSchema();
  if (Array.isArray(value)) return listFormat(bare, [], (data) => data);
  if (!isMap(value)) return null;
  if (Array.isArray(value.data)) return listFormat(v1, ["data"], ({ data }) => data);
  if (isMap(value.data)) return listFormat(v2, ["data", "tasks"], ({ data }) => data.tasks);
  if (!("schema_version" in value)) return null;
  return makeFormat("dispatch_manifest", manifestSchema(), importManifest);
}

/** What is wrong with tasks among each other. */
function faultsAmong(tasks: readonly ImportedTask[]): ValueFault[] {
  const seen = new Set<string>();
  const repeated = tasks.flatMap(({ id, sourceId, place }): ValueFault[] => {
    if (seen.has(id)) return [{ path: place, message: `the task ${sourceId} stands here twice` }];
    seen.add(id);
    return [];
  });
  return repeated.length > 0 ? repeated : circleAmong(tasks);
}

function circleAmong(tasks: readonly ImportedTask[]): ValueFault[] {
  try {
    inOrderOfDependencies(tasks);
    return [];
  } catch (error) {
    if (!(error instanceof WaybillError) || error.code !== "dependency_cycle") throw error;
    const circle = error.details.cycle as readonly string[];
    const names = circle.map((id) => tasks.find((task) => task.id === id)?.sourceId ?? id);
    const { place = [] } = tasks.find(({ id }) => id === circle[0]) ?? {};
    return [{ path: place, message: `these wait for each other: ${names.join(", which waits for ")}` }];
  }
}

/**
 * @param fileName as problems are to name it
 * @throws `invalid_input` with every problem at its line and column, also for a document of no known kind
 */
export function readImport(bytes: Uint8Array, fileName: string, options: ImportOptions): ImportReading {
  const document = quickly(bytes);
  const format = formatOf(document);
  const imported = format?.read(document, options);
  if (format && imported && imported.faults.length === 0) {
    return { format: format.name, tasks: imported.tasks, notes: imported.notes };
  }
  // Once more, with the reader that knows lines and columns.
  const rule = (): readonly ValueFault[] => {
    if (format === null) return [{ path: [], message: document === undefined ? "no JSON" : NONE, hint: EXPECTED }];
    return imported?.faults ?? [];
  };
  const reading = readYaml(bytes, format?.schema ?? z.unknown(), [rule]);
  throw fileError("invalid_input", fileName, reading.ok ? [] : reading.problems);
}

const NONE = "neither a list of tasks nor a dispatch manifest";
const EXPECTED = "give what `bones tasks list --all --json` prints, or a dispatch.json";

/** As plain JSON, which takes a hundredth of the time that lines and columns take; undefined for what is none. */
function quickly(bytes: Uint8Array): unknown {
  const decoded = decodeText(bytes);
  if (decoded.refusal !== null) return undefined;
  try {
    return JSON.parse(decoded.text);
  } catch {
    // What is wrong with it is told by the reader that knows lines and columns.
    return undefined;
  }
}
