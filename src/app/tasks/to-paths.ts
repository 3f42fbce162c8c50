import { type PathScope, toPathScope } from "../../domain/path-scope.js";

interface PathFlags {
  readonly write: readonly string[];
  readonly read: readonly string[];
  readonly space: string;
}

/** The paths of `--write` and `--read`. Errors: `invalid_input` for what is no path of a repository. */
export const toPaths = ({ write, read, space }: PathFlags): PathScope[] => [
  ...write.map((pattern) => toPathScope("write", pattern, space)),
  ...read.map((pattern) => toPathScope("read", pattern, space)),
];
