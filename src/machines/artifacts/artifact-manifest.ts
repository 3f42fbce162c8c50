/** Reads and writes `artifacts.manifest`: one line a file, as `sha256sum`, `shasum -a 256` and `openssl dgst -r` write it. */

const [NEWLINE, BACKSLASH, LETTER_N, LETTER_R] = [0x0a, 0x5c, 0x6e, 0x72];
const HASH_LENGTH = 64;

/**
 * @returns hashes by path, the path's bytes as latin1 text and without a leading `./`; null when a line is malformed.
 * A leading backslash says that backslashes, newlines and returns in the name are escaped (GNU coreutils manual, `cksum`).
 */
export function parseManifest(manifest: Buffer): ReadonlyMap<string, string> | null {
  const files = new Map<string, string>();
  let at = 0;
  while (at < manifest.length) {
    const end = manifest.indexOf(NEWLINE, at);
    if (end < 0) return null;
    const escaped = manifest[at] === BACKSLASH;
    const line = manifest.subarray(escaped ? at + 1 : at, end);
    const hash = line.subarray(0, HASH_LENGTH).toString("latin1");
    const name = line.subarray(HASH_LENGTH + 2);
    if (!/^[0-9a-f]{64}$/.test(hash) || name.length === 0) return null;
    files.set((escaped ? plainName(name) : name).toString("latin1").replace(/^\.\//, ""), hash);
    at = end + 1;
  }
  return files;
}

function plainName(name: Buffer): Buffer {
  const bytes: number[] = [];
  for (let i = 0; i < name.length; i += 1) {
    const byte = name[i] ?? 0;
    if (byte !== BACKSLASH) bytes.push(byte);
    else {
      i += 1;
      const code = name[i];
      bytes.push(code === LETTER_N ? NEWLINE : code === LETTER_R ? 0x0d : BACKSLASH);
    }
  }
  return Buffer.from(bytes);
}

/** The reverse of `parseManifest`, sorted by path. */
export function formatManifest(files: ReadonlyMap<string, string>): Buffer {
  const byPath = [...files].sort(([a], [b]) => (a < b ? -1 : 1));
  const lines = byPath.map(([name, hash]) => {
    const escaped = name.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll("\r", "\\r");
    return `${escaped === name ? "" : "\\"}${hash}  ./${escaped}\n`;
  });
  return Buffer.from(lines.join(""), "latin1");
}
