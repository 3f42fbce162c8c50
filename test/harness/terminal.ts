/** `waybill` on a terminal of its own, which `script` of util-linux makes. */
import { spawn, spawnSync } from "node:child_process";
import { builtCli } from "./built-cli.js";
import type { Sandbox } from "./sandbox.js";
import { until } from "./until.js";

export interface Terminal {
  /** The exit code, once all that was shown has been read. */
  readonly ended: Promise<number | null>;
  /** What was shown so far, with what moves and colours it. */
  said(): string;
  says(text: string): Promise<void>;
  type(keys: string): void;
}

/** Why no terminal can be made here; null where one can. */
export function whyNoTerminal(): string | null {
  const isOurs = String(spawnSync("script", ["--version"]).stdout).includes("util-linux");
  return isOurs ? null : "no script of util-linux";
}

/**
 * Starts `waybill ARGS`; `args` are words for a shell.
 *
 * @param options `env` stands in the place of the sandbox's environment. Without `columns` the terminal has no size, as
 *   `script` makes it, and nothing can be drawn in that
 */
export function onTerminal(
  box: Sandbox,
  args: string,
  options: { readonly env?: Readonly<Record<string, string>>; readonly columns?: number } = {},
): Terminal {
  const size = options.columns === undefined ? "" : `stty rows 40 cols ${options.columns}; `;
  // Without `exec` the shell of `script` would take Ctrl-C as well, and answer for it.
  const line = `${size}exec '${process.execPath}' '${builtCli()}' ${args}`;
  const child = spawn("script", ["-q", "-e", "-c", line, "/dev/null"], {
    env: options.env ?? box.env,
    cwd: box.dir,
    stdio: ["pipe", "pipe", "inherit"],
  });
  const shown: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => shown.push(chunk));
  const said = () => Buffer.concat(shown).toString();
  return {
    ended: new Promise((resolve) => child.once("close", resolve)),
    said,
    says: async (text) => {
      await until(`it says ${text}`, () => said().includes(text));
    },
    type: (keys) => void child.stdin.write(keys),
  };
}
