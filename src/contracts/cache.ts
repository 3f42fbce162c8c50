/** Operations on the cache. */
import * as z from "zod";
import type { CacheEntry } from "../domain/cache.js";
import { encoding } from "./encoded-bytes.js";
import { duration, maybeTime, time, toMaybeTime, toTime } from "./fields.js";
import { later } from "./later.js";
import { operation } from "./operation.js";
import { runView } from "./run-views.js";

const key = z.string().min(1).describe("name of the value");
const prefix = z.string().default("").describe("only keys that start with this");

export const cacheEntryView = later(() =>
  z.object({
    key: z.string(),
    size_bytes: z.number().int(),
    created_at: time,
    used_at: time.describe("when it was set or read, to within a minute"),
    expires_at: maybeTime,
  }),
);
export type CacheEntryView = z.infer<ReturnType<typeof cacheEntryView>>;

export const toCacheEntryView = (entry: CacheEntry): CacheEntryView => ({
  key: entry.key,
  size_bytes: entry.sizeBytes,
  created_at: toTime(entry.createdAt),
  used_at: toTime(entry.usedAt),
  expires_at: toMaybeTime(entry.expiresAt),
});

export const setCached = operation({
  name: "cache.set",
  command: "cache set",
  summary: "Keep a value that can be made again; what was used least recently makes room for it",
  effect: "write",
  positional: ["key", "value"],
  input: () =>
    z.object({
      key,
      value: z
        .string()
        .optional()
        .describe("the value; from standard input, byte for byte, when neither this nor --file is given"),
      encoding: encoding.default("utf8").describe("how VALUE is written"),
      file: z.string().optional().describe("read the value from this file, byte for byte"),
      ttl: duration.optional().describe("forget it after this long"),
    }),
  output: () => cacheEntryView().extend({ evicted: z.number().int().describe("how many entries had to go for it") }),
  errors: ["invalid_input"],
  examples: [
    ["cache set deps --file node_modules.tar --ttl 7d", "a file, for a week"],
    ["cache set token --ttl 10m", "what comes on standard input"],
  ],
});

export const getCached = operation({
  name: "cache.get",
  command: "cache get",
  summary: "Write a cached value to standard output, byte for byte, or to a file",
  effect: "read",
  positional: ["key"],
  input: () => z.object({ key, output: z.string().optional().describe("write it to this file instead") }),
  output: () =>
    cacheEntryView().extend({
      encoding: encoding.nullable().describe("null when it was written to a file"),
      data: z.string().nullable(),
      path: z.string().nullable().describe("the file that it was written to"),
    }),
  errors: ["cache_miss", "invalid_input"],
  examples: [["cache get deps --output node_modules.tar || make-it-again", "exit 3 when it is not there"]],
});

export const removeCached = operation({
  name: "cache.rm",
  command: "cache rm",
  summary: "Forget cached values; forgetting what is not there is no error",
  effect: "write",
  positional: ["key"],
  input: () => z.object({ key: z.array(key).min(1) }),
  output: () => z.object({ removed: z.array(z.string()) }),
  errors: ["invalid_input"],
});

export const listCache = operation({
  name: "cache.list",
  command: "cache list",
  summary: "List what is cached, by key, with size and age",
  effect: "read",
  input: () =>
    z.object({
      prefix,
      limit: z.coerce.number().int().min(1).max(10_000).default(100).describe("how many to show at most"),
      after: z.string().optional().describe("only keys after this one (the `next` of the page before)"),
    }),
  output: () =>
    z.object({
      entries: z.array(cacheEntryView()),
      next: z.string().nullable(),
      size_bytes: z.number().int().describe("what the whole cache takes"),
      max_bytes: z.number().int().describe("what the whole cache may take (WAYBILL_CACHE_MAX)"),
    }),
  errors: [],
  examples: [["cache list --prefix build/", "a part of it"]],
});

export const clearCache = operation({
  name: "cache.clear",
  command: "cache clear",
  summary: "Forget every cached value, and nothing else",
  effect: "write",
  input: () => z.object({ prefix }),
  output: () => z.object({ cleared: z.number().int() }),
  errors: [],
  examples: [["cache clear --prefix build/", "a part of it"]],
});

export const runCached = operation({
  name: "cache.run",
  command: "cache run",
  summary: "Run a command here unless its inputs are unchanged since it succeeded: then print its log again",
  effect: "write",
  positional: ["argv"],
  variadic: ["key_files"],
  input: () =>
    z.object({
      argv: z.array(z.string()).min(1).describe("the command and its arguments, after --"),
      key_files: z
        .array(z.string().min(1))
        .min(1)
        .describe("files below this directory that the result depends on, as globs; quote them"),
      key: z.array(z.string()).default([]).describe("anything else that it depends on, such as a version"),
      ttl: duration.optional().describe("run it again after this long anyway"),
    }),
  output: () =>
    z.object({
      hit: z.boolean().describe("whether the command was spared; the run is then the one that succeeded before"),
      key: z.string().describe("the entry of the cache that names the run"),
      run: runView(),
    }),
  errors: ["invalid_input", "spawn_failed"],
  examples: [
    ["cache run --key-files 'src/**/*.ts' package-lock.json -- npm run build", "builds when a source has changed"],
    ['cache run --key-files tests --key "$(node -v)" --ttl 1d -- npm test', "once a day, and for each Node"],
    ["cache clear --prefix run/", "forget all of them"],
  ],
});
