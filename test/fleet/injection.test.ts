/** Names and values that mean something to a shell do no harm on either side, and arrive as they are. */
import { chmodSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { OutputOf } from "../../src/index.js";
import { noSshd, startMachine } from "../harness/fleet.js";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";
import { expectNothingLeft } from "./aftermath.js";

const skipped = noSshd === null ? "" : ` (skipped: ${noSshd})`;

const box = perTest(createSandbox);

/** Whatever was carried out would have made a file of this name somewhere below the sandbox. */
const CANARY = "canary";
const canaries = (): string[] =>
  readdirSync(box.dir, { recursive: true, encoding: "utf8" }).filter((path) => path.split("/").pop() === CANARY);

const touch = (): string => `touch ${box.path(CANARY)}`;
const touchFolded = (): string => `touch\${IFS}${box.path(CANARY)}`;

/** Parts of names and values; `cmd` makes the canary. */
const part = (cmd: string): fc.Arbitrary<string> =>
  fc.constantFrom(
    ...[`$(${cmd})`, `\`${cmd}\``, `'; ${cmd}; '`, `"; ${cmd}; "`, `\n${cmd}\n`, `| ${cmd}`, `& ${cmd} &`],
    ...["-rf", "--", "~", "~root", "%h", "%%", "*", "?", "[a]", "{a,b}", "\\", "\\n", "'", '"', "$IFS", "$wb_p", "!1"],
    ...[
      " ",
      "\t",
      "\r",
      "\x01",
      "\x1b[31m",
      "\x7f",
      "\u0081",
      "\u0088",
      "\u00ff",
      "ā",
      "あ",
      "🚚",
      "e\u0301",
      "#",
      "=",
    ],
  );
const hostile = (cmd: string): fc.Arbitrary<string> =>
  fc.array(part(cmd), { minLength: 1, maxLength: 5 }).map((parts) => parts.join(""));
/** One name in a directory; the command must not hold a slash then. */
const hostileName = hostile(`touch ${CANARY}`).filter(
  (name) => !name.includes("/") && !/^\.\.?$/.test(name) && Buffer.byteLength(name) < 200,
);

const PRINT = `printf '%s\\0' "$@" "$V1" "$V2"; cat -- "$F1" "$F2"; cp -P -- "$F1" "$F2" "$WAYBILL_ARTIFACTS_DIR"`;

describe.skipIf(noSshd !== null)(`hostile names over ssh${skipped}`, { timeout: 240_000 }, () => {
  it("arrive as they are: directory, work directory, entrypoint, arguments, values, files and artifacts", async () => {
    const far = await startMachine(box, "far");
    const given = fc.record({
      dir: hostileName,
      workDir: hostile(`touch ${CANARY}`).map((name) => name.replaceAll(/[\r\n]/g, "")),
      entrypoint: hostileName,
      files: fc.uniqueArray(hostileName, { minLength: 2, maxLength: 2 }),
      args: fc.array(hostile(touch()), { maxLength: 3 }),
      values: fc.tuple(hostile(touch()), hostile(touch())),
    });
    type Given = typeof given extends fc.Arbitrary<infer T> ? T : never;
    let round = 0;
    const check = async ({ dir, workDir, entrypoint, files, args, values }: Given): Promise<void> => {
      round += 1;
      // Below folders of their own, so that no name is taken for another's.
      const [one = "", two = ""] = files.map((file) => `files/${file}`);
      const parent = `round ${round}`;
      box.work(join(parent, dir), "exit 9", { [one]: "first", [two]: "second" });
      const entry = `entry/${entrypoint}`;
      box.work(join(parent, dir), "exit 9", { [entry]: `#!/bin/sh\n${PRINT}\n` });
      chmodSync(join(box.dir, parent, dir, entry), 0o755);
      const machine = { ...far.lines, work_dir: `${far.workDir} ${round} ${workDir}` };
      box.machines({ far: machine });
      const env = [`V1=${values[0]}`, `V2=${values[1]}`, `F1=${one}`, `F2=${two}`].flatMap((pair) => ["--env", pair]);
      const command = [
        "run",
        join(box.dir, parent, dir),
        "--machine",
        "far",
        "--entrypoint",
        entry,
        ...env,
        "--",
        ...args,
      ];
      const { code, bytes, stderr } = await box.cli(command);

      expect(code, stderr).toBe(0);
      const words = [...args, ...values].map((word) => `${word}\0`).join("");
      expect(bytes.toString()).toBe(`${words}firstsecond`);
      const { runs } = await box.json<OutputOf<"runs.list">>(["runs", "list"]);
      const brought = runs[0]?.artifacts_path ?? "";
      const names = files.map((file) => [file, readFileSync(join(brought, file), "utf8")]);
      expect(names.map(([, content]) => content)).toEqual(["first", "second"]);
      expect(canaries()).toEqual([]);
    };
    // GNU tar makes a newline of what stands here after -C.
    const escapes: Given = {
      dir: "\\n",
      workDir: "\\n\\101",
      entrypoint: "\\t",
      files: ["\\\\", "\\0"],
      args: [],
      values: ["", ""],
    };
    await fc.assert(fc.asyncProperty(given, check), { numRuns: 5, endOnFailure: true, examples: [[escapes]] });
    await expectNothingLeft(far);
  });

  it.each(["host", "user", "proxy_jump"] as const)(
    "are refused as a machine's %s, and nothing is called",
    async (key) => {
      const far = await startMachine(box, "far");
      const words = [
        `-oProxyCommand=${touchFolded()}`,
        `\`${touchFolded()}\``,
        `$(${touchFolded()})`,
        `a;${touchFolded()}`,
        `a|${touchFolded()}`,
        `a&${touchFolded()}`,
        `a'${touchFolded()}'`,
      ];
      for (const word of words) {
        box.machines({ far: { ...far.lines, [key]: word } });
        const { code, stderr } = await box.cli(["machines", "check", "far"]);
        expect([word, code, stderr]).toEqual([word, 2, expect.stringMatching(/invalid_inventory/)]);
      }
      expect(canaries()).toEqual([]);
    },
  );
});
