/** Reads a dispatch manifest: waves of slots, each with its task, where a wave begins when the one before is over. */
import * as z from "zod";
import type { Dependency } from "../domain/dependency.js";
import { isLabel } from "../domain/worker.js";
import {
  type Imported,
  type ImportedTask,
  type ImportOptions,
  importedId,
  sourceTag,
  writtenPaths,
} from "./imported-task.js";
import { later } from "./later.js";
import type { ValueFault } from "./schema-issue.js";

export const manifestSchema = later(() =>
  z.looseObject({
    schema_version: z.literal(1),
    plan_path: z.string().optional(),
    plan_sha256: z.string().optional(),
    current_wave: z.int().optional(),
    waves: z.array(
      z.looseObject({
        wave: z.int(),
        blocked_until_wave: z.int().nullish(),
        slots: z.array(
          z.looseObject({
            slot: z.string(),
            task_id: z.string().refine(isLabel, { error: "expected an id of 1 to 200 characters" }),
            title: z.string(),
            files: z.array(z.string()).nullish(),
            subagent_prompt: z.string().optional(),
          }),
        ),
      }),
    ),
  }),
);
type Manifest = z.output<ReturnType<typeof manifestSchema>>;
type Wave = Manifest["waves"][number];

/** The wave that must be over before this one: the one it names, else the one before it by number. */
function waveBefore(wave: Wave, waves: readonly Wave[]): number | null {
  if (wave.blocked_until_wave != null) return wave.blocked_until_wave;
  const earlier = waves.map((other) => other.wave).filter((number) => number < wave.wave);
  return earlier.length === 0 ? null : Math.max(...earlier);
}

function wrongWaves(waves: readonly Wave[]): ValueFault[] {
  const numbers = waves.map(({ wave }) => wave);
  return waves.flatMap(({ wave, blocked_until_wave: until }, index): ValueFault[] => {
    const path = ["waves", index];
    if (numbers.indexOf(wave) < index) return [{ path: [...path, "wave"], message: `wave ${wave} stands here twice` }];
    if (until == null || numbers.includes(until)) return [];
    return [{ path: [...path, "blocked_until_wave"], message: `there is no wave ${until}` }];
  });
}

export function importManifest(manifest: Manifest, { root, outcome }: ImportOptions): Imported {
  const { waves, plan_path: plan, plan_sha256: hash, current_wave: current } = manifest;
  const faults = wrongWaves(waves);
  const isOver = (wave: number): boolean => current !== undefined && wave < current;
  const tasks = waves.flatMap((wave, at) => {
    const before = waveBefore(wave, waves);
    const ended = isOver(wave.wave) ? ({ state: "completed", why: `Wave ${wave.wave} was over.` } as const) : null;
    const waitsFor = waves
      .filter((other) => other.wave === before && !isOver(other.wave))
      .flatMap(({ slots }) => slots);
    return wave.slots.map((slot, index): ImportedTask => {
      const { task_id: id, title, files, subagent_prompt: prompt } = slot;
      const place = ["waves", at, "slots", index];
      const found = writtenPaths(files ?? [], root, [...place, "files"]);
      faults.push(...found.faults);
      return {
        id: importedId(id).id,
        sourceId: id,
        place,
        title,
        params: {
          title,
          files: files ?? [],
          slot: slot.slot,
          prompt: prompt ?? "",
          imported: { wave: wave.wave, plan_path: plan ?? null, plan_sha256: hash ?? null },
        },
        priority: 0,
        runAt: null,
        parentId: null,
        dependsOn:
          ended === null ? waitsFor.map((other): Dependency => ({ id: importedId(other.task_id).id, outcome })) : [],
        discoveredFrom: null,
        paths: found.paths,
        tags: [...sourceTag(id), `slot:${slot.slot}`, `wave:${wave.wave}`],
        ended,
      };
    });
  });
  return { tasks, notes: [], faults };
}
