/** Runs the built command line for the scripts, with a state directory of the repository's own. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));
const cli = join(root, "dist/cli.cjs");

/** Paths of a checkout's own tools first, as npm scripts have them, so that plans find `tsc` however they are started. */
const toolPath = `${join(root, "node_modules/.bin")}:${process.env.PATH}`;

/**
 * @param home state directory; nothing of the user's is read or written
 * @returns `waybill(args)`, which shows the command's output, and `ask(args)`, which reads its JSON
 */
export function commandLine(home) {
  if (!existsSync(cli)) throw new Error("dist/cli.cjs is missing; run `npm run build` first.");
  const { WAYBILL_STORE: _store, WAYBILL_MACHINES: _machines, ...inherited } = process.env;
  const env = { ...inherited, PATH: toolPath, WAYBILL_HOME: home };

  const run = (args, stdout) =>
    new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [cli, ...args], { cwd: root, env, stdio: ["inherit", stdout, "inherit"] });
      const chunks = [];
      child.stdout?.on("data", (chunk) => chunks.push(chunk));
      child.once("error", reject);
      child.once("close", (code) => resolve({ code: code ?? 1, text: Buffer.concat(chunks).toString() }));
    });

  return {
    async waybill(args) {
      return (await run(args, "inherit")).code;
    },
    async ask(args) {
      const { code, text } = await run([...args, "--json"], "pipe");
      if (text === "") throw new Error(`waybill ${args.join(" ")} said nothing and exited with ${code}.`);
      return JSON.parse(text).data;
    },
  };
}

/** The newest batch against `staging`, with its outcomes. */
export async function newestBatch({ ask }, staging) {
  const { batches } = await ask(["batch", "list", "--staging", staging, "--limit", "1"]);
  if (batches.length === 0) throw new Error(`No batch was recorded against ${staging}.`);
  return ask(["batch", "show", batches[0].id]);
}
