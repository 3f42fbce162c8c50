import { WaybillError } from "../../domain/errors.js";
import { type PathScope, toPathScope } from "../../domain/path-scope.js";

interface PathFlags {
  readonly write: readonly string[];
  readonly read: readonly string[];
  readonly space: string;
}

/** The paths of `--write` and `--read`. Errors: `invalid_input` for what is no path of a repository, and for `--space` without any. */
export function toPaths({ write, read, space }: PathFlags): PathScope[] {
  if (space !== "" && write.length + read.length === 0) {
    throw new WaybillError("invalid_input", "--space says where paths are; expected --write or --read with it.");
  }
  return [
    ...write.map((pattern) => toPathScope("write", pattern, space)),
    ...read.map((pattern) => toPathScope("read", pattern, space)),
  ];
}
