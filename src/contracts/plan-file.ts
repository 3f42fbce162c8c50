/** Reads a plan file (`version: 1`, `entries:`) into a `Plan`, or says everything that is wrong with it. */
import * as z from "zod";
import type { Selector } from "../domain/batch.js";
import { parseContactPolicy, WAIT_FOR_CONTACT } from "../domain/contact-policy.js";
import { WaybillError } from "../domain/errors.js";
import type { Plan, PlanEntry } from "../domain/plan.js";
import { planEnv } from "./env-map.js";
import { contactPolicy, returnChoice } from "./fields.js";
import { fileError } from "./file-problem.js";
import { machineName } from "./machine-name.js";
import type { ValueFault } from "./schema-issue.js";
import { type Rule, readYaml } from "./yaml-document.js";
import { fileDuration, fileText, isMap } from "./yaml-values.js";

const MAX_RETRIES = 10;

const entryName = fileText.refine((name) => !name.includes("/") && name !== "." && name !== "..", {
  error: 'expected a name without "/": it becomes the name of a folder',
});

const entrypoint = fileText.refine(
  (path) => !path.startsWith("/") && !path.endsWith("/") && !path.split("/").includes(".."),
  {
    error: "expected the path of a file inside the directory, relative to it",
  },
);

const entry = z.strictObject({
  name: entryName,
  dir: fileText,
  machine: machineName.optional(),
  tag: machineName.optional(),
  timeout: fileDuration.optional(),
  silence_timeout: fileDuration.optional(),
  env: planEnv.optional(),
  entrypoint: entrypoint.optional(),
  retries: z.int().min(0).max(MAX_RETRIES).optional(),
  on_unreachable: contactPolicy.optional(),
  on_return: returnChoice.optional(),
  artifacts: z.array(fileText).min(1).optional(),
});

const planSchema = z.strictObject({ version: z.literal(1), entries: z.array(entry) });

/** The entries of a document that may not be a plan. */
export const entriesOf = (plan: unknown): readonly unknown[] =>
  isMap(plan) && Array.isArray(plan.entries) ? (plan.entries as unknown[]) : [];

function oneSelectorEach(plan: unknown): ValueFault[] {
  return entriesOf(plan).flatMap((item, index): ValueFault[] => {
    if (!isMap(item)) return [];
    const path = ["entries", index];
    const [machine, tag] = [item.machine !== undefined, item.tag !== undefined];
    if (machine && tag) {
      return [{ path: [...path, "tag"], at: "key", message: "both machine and tag", hint: "keep one of the two" }];
    }
    if (machine || tag) return [];
    const hint = "machine: NAME for one machine, tag: TAG for any that carries it";
    return [{ path, message: "neither machine nor tag", hint }];
  });
}

/** Another machine can only take over what may run on another machine. */
function replaceableNeedTag(plan: unknown): ValueFault[] {
  return entriesOf(plan).flatMap((item, index): ValueFault[] => {
    if (!isMap(item) || item.tag !== undefined || typeof item.on_unreachable !== "string") return [];
    if (!item.on_unreachable.trim().startsWith("replace_after")) return [];
    const hint = "name a tag instead of a machine, or use stop_after";
    return [{ path: ["entries", index, "on_unreachable"], message: "replace_after without a tag", hint }];
  });
}

function uniqueNames(plan: unknown): ValueFault[] {
  const first = new Map<string, number>();
  return entriesOf(plan).flatMap((item, index): ValueFault[] => {
    if (!isMap(item) || typeof item.name !== "string") return [];
    const earlier = first.get(item.name);
    if (earlier === undefined) {
      first.set(item.name, index);
      return [];
    }
    const message = `repeated name ${JSON.stringify(item.name)}, already given to entry ${earlier + 1}`;
    return [{ path: ["entries", index, "name"], message, hint: "names of entries are unique" }];
  });
}

/** A plan without a single entry is its own refusal: nothing in it is wrong, there is just nothing to do. */
function isEmpty(plan: unknown): boolean {
  if (plan === undefined) return true;
  return isMap(plan) && (plan.entries === null || (Array.isArray(plan.entries) && plan.entries.length === 0));
}

function toEntry(item: z.output<typeof entry>): PlanEntry {
  const selector: Selector = item.machine === undefined ? { tag: item.tag ?? "" } : { machine: item.machine };
  return {
    name: item.name,
    dir: item.dir,
    selector,
    timeoutMs: item.timeout ?? null,
    silenceMs: item.silence_timeout ?? null,
    entrypoint: item.entrypoint ?? null,
    env: item.env ?? {},
    retries: item.retries ?? 0,
    onUnreachable: parseContactPolicy(item.on_unreachable ?? "wait", item.on_return) ?? WAIT_FOR_CONTACT,
    ...(item.artifacts && { artifacts: item.artifacts }),
  };
}

/**
 * @param fileName as problems are to name it, such as `plan.yaml`
 * @param rules what else must hold of the document, such as that its directories exist
 * @throws `invalid_plan` with every problem in the message and in `details.problems`; `empty_plan` when it has no entry
 */
export function parsePlan(bytes: Uint8Array, fileName: string, rules: readonly Rule[] = []): Plan {
  let empty = false;
  const noteEmpty = (value: unknown): ValueFault[] => {
    empty = isEmpty(value);
    return [];
  };
  const reading = readYaml(bytes, planSchema, [noteEmpty, oneSelectorEach, replaceableNeedTag, uniqueNames, ...rules]);
  if (empty) {
    const hint = "Add at least one: `entries: [{ name: unit, dir: tests/unit, machine: local }]`.";
    throw new WaybillError("empty_plan", `${fileName} has no entries.`, { hint, details: { file: fileName } });
  }
  if (!reading.ok) throw fileError("invalid_plan", fileName, reading.problems);
  return { version: 1, entries: reading.value.entries.map(toEntry) };
}
