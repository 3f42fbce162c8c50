/** `npm run bench [NAME…]`: builds, then runs the benches one after the other; results go to `bench/results/`. */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL("./", import.meta.url));
const all = readdirSync(here)
  .filter((name) => name.endsWith(".mjs") && name !== "run.mjs")
  .map((name) => name.slice(0, -".mjs".length));
const wanted = process.argv.length > 2 ? process.argv.slice(2) : all;
const unknown = wanted.filter((name) => !all.includes(name));
if (unknown.length > 0) throw new Error(`There is no bench ${unknown.join(", ")}; there are ${all.join(", ")}.`);

const runScript = (path) => spawnSync(process.execPath, [path], { stdio: "inherit" }).status ?? 1;
const built = runScript(join(here, "../scripts/build.mjs"));
const failed =
  built === 0
    ? wanted.filter((name) => {
        console.log(`\n${name}`);
        return runScript(join(here, `${name}.mjs`)) !== 0;
      })
    : ["build"];
if (failed.length > 0) console.error(`Failed: ${failed.join(", ")}`);
process.exitCode = failed.length === 0 ? 0 : 1;
