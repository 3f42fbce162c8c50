/** Reads what stands on standard input, whole. */
import { isUtf8 } from "node:buffer";
import { WaybillError } from "../../domain/errors.js";
import { LONGEST_VALUE } from "../../domain/variable.js";

/** Errors: `invalid_input` for a terminal (nobody would know what is waited for), and for more than a value may have. */
export async function readStandardInputBytes(): Promise<Buffer> {
  if (process.stdin.isTTY === true) {
    throw new WaybillError("invalid_input", "There is no value.", {
      hint: "Give it on the command line, in a file, or on standard input.",
    });
  }
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of process.stdin as AsyncIterable<Buffer>) {
    length += piece.length;
    if (length > LONGEST_VALUE) {
      throw new WaybillError("invalid_input", `Standard input has more than the ${LONGEST_VALUE} bytes that fit.`);
    }
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

/** Errors: those of `readStandardInputBytes`, and `invalid_input` for what is no text. */
export async function readStandardInput(): Promise<string> {
  const bytes = await readStandardInputBytes();
  if (isUtf8(bytes)) return bytes.toString();
  throw new WaybillError("invalid_input", "Standard input is not UTF-8 text.", {
    hint: "A variable holds text; keep bytes in a file and its path in the variable, or in the cache.",
  });
}
