/**
 * A program that plays `powershell.exe` for tests of this side: it takes the command and the orders apart as the bootstrap would,
 * installs what it is sent, and answers `hello` and `observe`. What the real bootstrap does there, it cannot show.
 */
import { writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { POWERSHELL_BOOTSTRAP, type PowershellOrder } from "./powershell-request.js";

export interface PlayedPowershell {
  /** For `ForceCommand`. */
  readonly login: string;
  /** Every order so far. */
  orders(): Promise<readonly PowershellOrder[]>;
  /** Where it keeps a supervisor of that version. */
  supervisorPath(hash: string): string;
}

const PROGRAM = `
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { join } from "node:path";
const [dir, expected] = [process.argv[2], Buffer.from(process.argv[3], "base64").toString()];
if (process.env.SSH_ORIGINAL_COMMAND !== expected) {
  console.error("asked for another command");
  process.exit(9);
}
const input = readFileSync(0);
const length = Number(input.subarray(0, 8).toString());
const order = JSON.parse(Buffer.from(input.subarray(8, 8 + length).toString(), "base64").toString());
const rest = input.subarray(9 + length);
appendFileSync(join(dir, "orders"), JSON.stringify(order) + "\\n");
const script = join(dir, "supervisor-" + order.hash + ".ps1");
const tell = (name) => {
  try {
    return readFileSync(join(dir, name), "utf8");
  } catch {
    return "attempt " + name + "\\nstate absent\\nsize 0\\n.\\n";
  }
};
let [said, status] = ["", 0];
if (order.verb === null) {
  if (createHash("sha256").update(rest).digest("hex").startsWith(order.hash)) writeFileSync(script, rest);
  else status = 2;
} else if (!existsSync(script)) status = 197;
else if (order.verb === "observe") said = order.args.map((name) => tell(name.replace("+", ""))).join("");
else if (order.verb !== "hello") status = 2;
process.stdout.write("Microsoft Windows [Version 10.0]\\r\\n" + order.nonce + "\\n" + said + order.nonce + " " + status + "\\n");
`;

/** @param dir a directory of the test's own; a file in it named like an attempt is what that attempt's report says. */
export function playPowershell(dir: string): PlayedPowershell {
  const program = join(dir, "powershell.mjs");
  writeFileSync(program, PROGRAM);
  const expected = Buffer.from(POWERSHELL_BOOTSTRAP).toString("base64");
  return {
    login: `exec ${process.execPath} ${program} ${dir} ${expected}`,
    orders: async () => {
      const lines = (await readFile(join(dir, "orders"), "utf8")).split("\n").slice(0, -1);
      return lines.map((line) => JSON.parse(line) as PowershellOrder);
    },
    supervisorPath: (hash) => join(dir, `supervisor-${hash}.ps1`),
  };
}
