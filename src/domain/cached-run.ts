/** What makes two executions of a command the same: the command, the files it is said to depend on, and further texts. */
import { canonicalJson } from "./canonical-json.js";

/** A file as a key sees it. */
export interface KeyFile {
  /** Relative to the working directory, with `/`. */
  readonly path: string;
  /** SHA-256 of the content, lower-case hex. */
  readonly hash: string;
}

export interface CommandInputs {
  readonly argv: readonly string[];
  readonly files: readonly KeyFile[];
  /** Whatever else the result depends on, such as a version or a variable's value. */
  readonly texts: readonly string[];
}

/**
 * The text whose SHA-256 is the key. Where the working directory is does not count, so that two checkouts share what they
 * made; the order of the files does not either, that of the texts does.
 */
export function canonicalInputs({ argv, files, texts }: CommandInputs): string {
  const sorted = files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  return canonicalJson({ argv, files: sorted.map(({ path, hash }) => [path, hash]), texts });
}

/** Keys of cached runs begin with this, so that they can be listed and cleared alone. */
export const CACHED_RUN_PREFIX = "run/";
