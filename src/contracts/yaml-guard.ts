/**
 * Stands before the YAML parser and its result, and refuses what would hang or kill the process: huge files, bytes that
 * are not text, deep nesting (the parser needs exponential time on `{{{{…` and runs out of memory on `- - - …`), and
 * aliases that multiply ("billion laughs").
 */
import { Lexer } from "yaml";

/** The largest file that is read. Ten thousand plan entries take about a tenth of it. */
export const MAX_FILE_BYTES = 8 * 1024 * 1024;

/** How deep lists and maps may stand in one another. Plans and inventories need four levels. */
const MAX_DEPTH = 64;
const MAX_INDENT = 4 * MAX_DEPTH;
/** How many values a document may hold once its aliases are followed. */
const MAX_VALUES = 1_000_000;

export interface Refusal {
  /** Index into the text; 0 when the whole file is meant. */
  readonly offset: number;
  readonly message: string;
  readonly hint: string | null;
}

type Decoded = { readonly text: string; readonly refusal: null } | { readonly refusal: Refusal };

/** Reads bytes as UTF-8 text without its byte order mark; refuses by size and by the first wrong byte. */
export function decodeText(bytes: Uint8Array): Decoded {
  if (bytes.length > MAX_FILE_BYTES) {
    const message = `the file has ${bytes.length} bytes; at most ${MAX_FILE_BYTES} are read`;
    return { refusal: { offset: 0, message, hint: "is this the right file?" } };
  }
  const text = decode(bytes);
  if (text === null) {
    const message = `the file is not UTF-8: the byte at offset ${firstWrongByte(bytes)} does not belong`;
    return { refusal: { offset: 0, message, hint: "save it as UTF-8" } };
  }
  return { text, refusal: null };
}

/** Finds a NUL, which YAML forbids and the parser lets through. */
export function findNul(text: string): Refusal | null {
  const offset = text.indexOf("\0");
  return offset < 0 ? null : { offset, message: "a NUL byte", hint: "is this the right file?" };
}

function decode(bytes: Uint8Array, partial = false): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: partial });
  } catch {
    // Not UTF-8: the only reason for a fatal decoder to throw, and exactly what is asked here.
    return null;
  }
}

/** The decoder does not say where it stopped; halving finds it, since a prefix of good text is good text. */
function firstWrongByte(bytes: Uint8Array): number {
  let good = 0;
  let bad = bytes.length + 1;
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2);
    if (decode(bytes.subarray(0, middle), true) === null) bad = middle;
    else good = middle;
  }
  // The good prefix may end inside a character; the fault is where that character began.
  while (decode(bytes.subarray(0, good)) === null) good -= 1;
  return good;
}

const SCALAR_FOLLOWS = "\u001f";

/** Finds the place where nesting becomes too deep, by the tokens alone; null when it never does. */
export function findDeepNesting(text: string): Refusal | null {
  let offset = 0;
  let flow = 0;
  let indicators = 0;
  let previous = "\n";
  for (const token of new Lexer().lex(text)) {
    const marker = token.length === 1 && token < " " && !"\t\n\r".includes(token);
    if (previous === SCALAR_FOLLOWS) {
      // The text of a scalar, which may look like an indicator.
    } else if (token === "\n" || token === "\r\n") indicators = 0;
    else if (token === "[" || token === "{") flow += 1;
    else if (token === "]" || token === "}") flow -= 1;
    else if (flow === 0 && "-?:".includes(token)) indicators += 1;
    const indent = previous.endsWith("\n") && token.startsWith(" ") ? token.length : 0;
    if (flow > MAX_DEPTH || indicators > MAX_DEPTH || indent > MAX_INDENT) {
      return { offset, message: `lists and maps nested more than ${MAX_DEPTH} deep`, hint: null };
    }
    if (!marker) offset += token.length;
    previous = token;
  }
  return null;
}

/** Whether following every alias stays within reason. A value that holds itself never ends. */
export function aliasesStaySmall(root: unknown): boolean {
  const sizes = new Map<object, number>();
  const sizeOf = (value: unknown): number => {
    if (typeof value !== "object" || value === null) return 1;
    const known = sizes.get(value);
    if (known !== undefined) return known;
    // Found again before its own size is known: the value holds itself.
    sizes.set(value, Number.POSITIVE_INFINITY);
    const size = Object.values(value).reduce<number>((sum, inner) => sum + sizeOf(inner), 1);
    sizes.set(value, size);
    return size;
  };
  return sizeOf(root) <= MAX_VALUES;
}
