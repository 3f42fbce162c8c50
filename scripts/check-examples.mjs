/** Runs every example: the acceptance plan against a staging of its own, so that nothing is taken from an earlier run. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const script = join(fileURLToPath(new URL(".", import.meta.url)), "acceptance.mjs");
const staging = `check-${new Date().toISOString()}`;
const { status } = spawnSync(process.execPath, [script, staging], { stdio: "inherit" });
process.exitCode = status ?? 1;
