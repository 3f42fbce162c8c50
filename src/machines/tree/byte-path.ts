/** Paths as bytes: a file name on POSIX is any bytes but `/` and NUL, and need not be UTF-8. */

const SLASH = Buffer.from("/");

/** Joins a directory and a relative path or name. */
export function joinBytes(directory: Uint8Array | string, name: Uint8Array): Buffer {
  const head = typeof directory === "string" ? Buffer.from(directory) : directory;
  return Buffer.concat(head.length === 0 ? [name] : [head, SLASH, name]);
}

/** A path to show to people; what is not UTF-8 is replaced. */
export const showBytes = (path: Uint8Array): string => Buffer.from(path).toString("utf8");
