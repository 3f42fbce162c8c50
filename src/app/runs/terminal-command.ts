/** Gives a command a terminal of its own, by util-linux `script`, so that what it shows is still written to the log. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { WaybillError } from "../../domain/errors.js";

const exec = promisify(execFile);

/** One word for a POSIX shell, whatever it holds (POSIX.1-2017, 2.2.2). */
const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/**
 * @param size columns and rows of the terminal that looks on; null: whatever `script` takes
 * @throws `spawn_failed` where there is no such `script`; BSD's takes other arguments
 */
export async function underTerminal(
  argv: readonly string[],
  environment: Readonly<Record<string, string>>,
  size: readonly [number, number] | null,
): Promise<readonly string[]> {
  const version = await exec("script", ["--version"], { env: environment }).then(
    ({ stdout }) => stdout,
    (error: Error) => error.message,
  );
  if (!version.includes("util-linux")) {
    throw new WaybillError("spawn_failed", "--tty needs `script` of util-linux, which is not here.", {
      hint: "Install it (Debian: bsdutils), or leave --tty out.",
      details: { found: version.trim() },
    });
  }
  const resize = size === null ? "" : `stty cols ${size[0]} rows ${size[1]}; `;
  return ["script", "-q", "-e", "-f", "-c", `${resize}exec ${argv.map(quote).join(" ")}`, "/dev/null"];
}
