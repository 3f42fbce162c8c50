/** Children for tests: a warden in a directory of its own, programs in the language of sh, and what they left behind. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Child, type ChildRequest, startChild } from "./child.js";
import { PipeMaker } from "./pipe-maker.js";
import { startWarden, type Warden } from "./warden.js";

export interface Nursery {
  readonly dir: string;
  readonly warden: Warden;
  /** Starts `script` as the program. */
  start(script: string, options?: Partial<ChildRequest>): Promise<Child>;
  dispose(): Promise<void>;
}

export const testEnvironment = { PATH: process.env.PATH };

export async function openNursery(graceMs = 5_000): Promise<Nursery> {
  const dir = mkdtempSync(join(tmpdir(), "waybill-children-"));
  const directory = join(dir, "worker");
  mkdirSync(directory);
  const warden = await startWarden({ graceMs, directory, environment: testEnvironment });
  const inputFile = join(dir, "input");
  writeFileSync(inputFile, "input\n");
  const rest = {
    cwd: dir,
    environment: testEnvironment,
    inputFile,
    warden,
    pipes: new PipeMaker(directory, testEnvironment),
    onOutput: () => undefined,
  };
  return {
    dir,
    warden,
    start: (script, options = {}) => startChild({ ...rest, command: ["/bin/sh", "-c", script], ...options }),
    dispose: async () => {
      await warden.dismiss();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
