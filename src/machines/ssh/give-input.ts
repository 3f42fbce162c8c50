/** Gives a verb what it is to find on its standard input, in whichever form that comes. */
import { Readable, type Writable } from "node:stream";
import type { RemoteCall } from "./remote-shell.js";

/** From here on `stdin` is the input's, and ends with it. */
export function giveInput(stdin: Writable, input: NonNullable<RemoteCall["input"]>): void {
  if (input instanceof Readable) input.pipe(stdin);
  else if (input instanceof Uint8Array) stdin.end(input);
  else {
    input.writeTo(stdin);
    // The programs hold it now.
    stdin.destroy();
  }
}
