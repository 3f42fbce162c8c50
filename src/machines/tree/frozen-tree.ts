/** A submitted directory, frozen: an immutable, verified copy under its hash. What runs is this, never the original. */
export interface FrozenTree {
  /** Lower-case hex SHA-256 (`domain/tree.ts`). */
  readonly hash: string;
  /** Absolute path of the copy. */
  readonly path: string;
  readonly files: number;
  readonly bytes: number;
}
