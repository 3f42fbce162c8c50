import { randomInt } from "node:crypto";
import { lstat, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Bench, freshDir, removeDir, runToEnd, until } from "../conformance/machine-bench.js";
import { localMachine, shellsToTry } from "../local/local-fixture.js";
import { runDirectory } from "../local/run-directory.js";
import type { CollectOptions, StartRequest } from "../machine-port.js";
import { collectOverShell } from "./collect-over-ssh.js";
import { createLocalShell, type LocalShell } from "./local-shell-fixture.js";
import { createSshMachine } from "./ssh-machine.js";

const INTO = 'cd "$WAYBILL_ARTIFACTS_DIR"; ';

for (const { name, shell: command, skip } of shellsToTry()) {
  describe.skipIf(skip)(`collecting over ${name}`, { timeout: 120_000 }, () => {
    let dir = "";
    let bench: Bench;
    let shell: LocalShell;
    let destinations = 0;
    beforeAll(async () => {
      dir = await freshDir();
      bench = { machine: localMachine(join(dir, "machine"), 2), dir };
      shell = createLocalShell(bench.machine.spec.workDir, command);
    });
    afterAll(() => removeDir(dir));

    const destination = (): string => {
      destinations += 1;
      return join(dir, `to-${destinations}`);
    };
    const collect = async (request: StartRequest, to: string, options: CollectOptions = {}) =>
      collectOverShell(shell, request, { answer: await bench.machine.status(request) }, to, options);
    /** Runs `script` in the artifacts' folder to its end. */
    const ran = async (script: string) => (await runToEnd(bench, INTO + script)).request;
    const refused = async (request: StartRequest) => {
      const to = destination();
      const error: unknown = await collect(request, to).catch((caught: unknown) => caught);
      expect((await readdir(to)).filter((entry) => entry !== "log.times")).toEqual(["log"]);
      return error;
    };

    it("asks whoever saw the end for nothing that the machine said is not there", async () => {
      const machine = createSshMachine(bench.machine.spec, {}, shell);
      const verbsOf = async (request: StartRequest) => {
        const before = shell.calls.length;
        await machine.settled(request, undefined, "driver");
        const got = await machine.collect(request, destination());
        return { got, verbs: shell.calls.slice(before).map(({ verb }) => verb) };
      };
      const bare = await verbsOf(await ran(":"));
      expect(bare.verbs).toEqual(["await"]);
      expect(bare.got).toMatchObject({ artifactsPath: null, files: 0 });
      expect(await readFile(bare.got.logPath, "utf8")).toBe("");
      const full = await verbsOf(await ran("echo said; : > .hidden"));
      expect(full.verbs.sort()).toEqual(["artifacts", "await", "growth", "log"]);
      expect(full.got.files).toBe(1);
      expect(await readFile(full.got.logPath, "utf8")).toBe("said\n");
      const swapped = await ran('cd /; rmdir "$WAYBILL_ARTIFACTS_DIR"; ln -s /nowhere "$WAYBILL_ARTIFACTS_DIR"');
      await expect(verbsOf(swapped)).rejects.toMatchObject({ code: "artifact_failed" });
    });

    it("brings what a local machine brings", async () => {
      const request = await ran(
        'mkdir d e; echo one > "d/a b"; : > empty; ln -s d/a* link; echo x > tool; chmod +x tool; echo done',
      );
      const [here, there] = [destination(), destination()];
      const got = await collect(request, there);
      const local = await bench.machine.collect(request, here);
      expect(got).toEqual({ ...local, logPath: join(there, "log"), artifactsPath: join(there, "artifacts") });
      for (const file of ["log", "artifacts.manifest", "artifacts/d/a b", "artifacts/link", "artifacts/tool"]) {
        expect(await readFile(join(there, file), "utf8")).toBe(await readFile(join(here, file), "utf8"));
      }
      expect((await readdir(there, { recursive: true })).sort()).toEqual(
        (await readdir(here, { recursive: true })).sort(),
      );
      expect((await stat(join(there, "artifacts", "tool"))).mode & 0o777).toBe(0o700);
      expect(await collect(request, there)).toEqual(got);
      await bench.machine.forget(request);
      expect(await collect(request, there)).toEqual(got);
    });

    it("brings the log alone when the program left nothing", async () => {
      const request = await ran("echo only");
      const to = destination();
      expect(await collect(request, to)).toMatchObject({ artifactsPath: null, files: 0, bytes: 0, left: 0 });
      expect(await readFile(join(to, "log"), "utf8")).toBe("only\n");
    });

    it("brings names of any bytes", async () => {
      const script = `i=1; while [ $i -le 255 ]; do [ $i = 47 ] || echo $i > "x$(printf "\\\\$(printf %03o $i)")y"; i=$((i + 1)); done; ln -s 'a
b' 'to
'`;
      const request = await ran(`${script}; echo nl > 'a
b'; echo end > 'end
'`);
      const to = destination();
      expect(await collect(request, to)).toMatchObject({ files: 256 });
      const names = await readdir(join(to, "artifacts"), { encoding: "buffer" });
      expect(names.map((entry) => entry.toString("latin1"))).toContain("x\xffy");
      expect(await readFile(join(to, "artifacts", "to\n"), "utf8")).toBe("nl\n");
    });

    it("brings 10,000 small files in one request, and 10,000 names", async () => {
      const request = await ran("i=0; while [ $i -lt 10000 ]; do echo $i > f$i; i=$((i + 1)); done");
      shell.calls.length = 0;
      expect(await collect(request, destination())).toMatchObject({ files: 10_000 });
      expect(shell.calls.filter(({ verb }) => verb === "send_artifacts")).toHaveLength(1);
    });

    it("goes on after cuts anywhere, byte for byte, and asks for no whole file twice", async () => {
      const request = await ran(
        "i=0; while [ $i -lt 40 ]; do head -c $((i * 997)) /dev/urandom > f$i; i=$((i + 1)); done; head -c 300000 /dev/urandom | od",
      );
      const to = destination();
      shell.calls.length = 0;
      for (let round = 0; round < 30; round += 1) {
        const verb = ["send_artifacts", "log", "artifacts"][round % 3] ?? "";
        shell.cut(verb, randomInt(60_000));
        // A cut after the last byte is none.
        await collect(request, to).catch((error: unknown) =>
          expect(error).toMatchObject({ code: "machine_unreachable" }),
        );
        shell.cut(verb, null);
      }
      await collect(request, to);
      const left = runDirectory(bench.machine.spec.workDir, request);
      expect((await readFile(join(to, "log"))).equals(await readFile(left.log))).toBe(true);
      for (let i = 0; i < 40; i += 1) {
        const [sent, came] = [join(left.artifacts, `f${i}`), join(to, "artifacts", `f${i}`)];
        expect((await readFile(came)).equals(await readFile(sent))).toBe(true);
      }
      const sends = shell.calls.filter(({ verb }) => verb === "send_artifacts");
      const asked = sends.map(({ input }) => input.split("\0").length - 1);
      expect(asked).toEqual([...asked].sort((a, b) => b - a));
      // What came of a file that was cut comes again; nothing else does.
      const total = sends.reduce((sum, { bytes }) => sum + bytes, 0);
      expect(total).toBeLessThan((39 * 40 * 997) / 2 + sends.length * 39 * 997);
    });

    it("goes on within a large file", async () => {
      const request = await ran("head -c 90000000 /dev/urandom > large; echo 1 > small");
      const to = destination();
      shell.calls.length = 0;
      shell.cut("send_artifacts", 70_000_000);
      await expect(collect(request, to)).rejects.toMatchObject({ code: "machine_unreachable" });
      shell.cut("send_artifacts", null);
      expect(await collect(request, to)).toMatchObject({ files: 2, bytes: 90_000_002 });
      expect(shell.calls.filter(({ verb }) => verb === "send_artifacts").map(({ bytes }) => bytes)).toEqual([
        70_000_000, 20_000_000, 2,
      ]);
    });

    it("brings what the globs name, says how much is left, and brings more when asked", async () => {
      const request = await ran("mkdir -p a/b c; echo 1 > a/b/x.txt; echo 2 > a/y.bin; echo 3 > c/z.txt");
      const to = destination();
      expect(await collect(request, to, { globs: ["a/**/*.txt"] })).toMatchObject({ files: 1, left: 2 });
      expect((await readdir(join(to, "artifacts"), { recursive: true })).sort()).toEqual(["a", "a/b", "a/b/x.txt"]);
      shell.calls.length = 0;
      expect(await collect(request, to, { globs: ["*.bin"] })).toMatchObject({ files: 2, left: 1 });
      expect(await collect(request, to)).toMatchObject({ files: 3, left: 0 });
      const sends = shell.calls.filter(({ verb }) => verb === "send_artifacts");
      expect(sends.map(({ input }) => input)).toEqual(["./a/y.bin\0", "./c/z.txt\0"]);
    });

    it("refuses a file that changed, appeared or vanished after the run had ended", async () => {
      const meddled = async (script: string, meddle: (artifacts: string) => Promise<void>) => {
        const request = await ran(script);
        await meddle(runDirectory(bench.machine.spec.workDir, request).artifacts);
        return await refused(request);
      };
      const failed = (path: string) => ({ code: "artifact_failed", details: { path } });
      const flip = (artifacts: string) => writeFile(join(artifacts, "b"), "3\n");
      expect(await meddled("echo 1 > a; echo 2 > b", flip)).toMatchObject(failed("b"));
      const add = (artifacts: string) => writeFile(join(artifacts, "new"), "");
      expect(await meddled("echo 1 > a", add)).toMatchObject(failed("new"));
      expect(await meddled("true", add)).toMatchObject(failed("new"));
      const remove = (artifacts: string) => rm(join(artifacts, "a"));
      expect(await meddled("echo 1 > a; echo 2 > b", remove)).toMatchObject(failed("a"));
      const replace = async (artifacts: string) => {
        await rm(artifacts, { recursive: true });
        await symlink("work", artifacts);
      };
      expect(await meddled("echo 1 > a", replace)).toMatchObject(failed("artifacts"));
      expect(await meddled("mkfifo pipe", async () => undefined)).toMatchObject(failed("pipe"));
      expect(await meddled("ln -s /etc/passwd out", async () => undefined)).toMatchObject(failed("out"));
    });

    it("refuses contents that are longer or shorter than was announced, writing nothing elsewhere", async () => {
      const request = await ran("echo 1 > a; echo 2 > b");
      for (const [script, path] of [
        ["printf '1\\n2\\n3\\n'", "artifacts"],
        ["printf '1\\n2'", "b"],
        ["printf '1\\n'", "b"],
        ["true", "a"],
        ["yes", "a"],
      ] as const) {
        shell.impersonate("send_artifacts", script);
        expect(await refused(request)).toMatchObject({ code: "artifact_failed", details: { path } });
      }
      shell.impersonate("send_artifacts", null);
    });

    it("refuses a log that is shorter than it was, or longer than it says", async () => {
      const request = await ran("echo said");
      const to = destination();
      shell.impersonate("log", "echo 3; printf abc");
      await expect(collect(request, to)).rejects.toMatchObject({ code: "artifact_failed", details: { path: "log" } });
      shell.impersonate("log", "echo 5; yes");
      await expect(collect(request, to)).rejects.toMatchObject({ code: "machine_unreachable" });
      shell.impersonate("log", null);
      await collect(request, to);
      expect(await readFile(join(to, "log"), "utf8")).toMatch(/^said\n|^y\ny\n/);
    });

    it("refuses a list without end", async () => {
      const request = await ran("echo 1 > a");
      shell.impersonate("artifacts", "echo sealed; yes");
      expect(await refused(request)).toMatchObject({ code: "artifact_failed", details: { path: "artifacts" } });
      shell.impersonate("artifacts", null);
    });

    it("brings those of a lost attempt with hashes taken there, also after a cut", async () => {
      const request = await ran("printf abc > x; printf abc > y; mkdir d; echo said");
      const run = runDirectory(bench.machine.spec.workDir, request);
      await rm(run.exit);
      await rm(run.manifest);
      await until("it is lost", async () => (await bench.machine.status(request)).state === "lost");
      const to = destination();
      shell.calls.length = 0;
      shell.cut("send_artifacts", 4);
      await expect(collect(request, to)).rejects.toMatchObject({ code: "machine_unreachable" });
      shell.cut("send_artifacts", null);
      const got = await collect(request, to);
      expect(got).toMatchObject({ files: 2, bytes: 6 });
      expect(shell.calls.filter(({ verb }) => verb === "send_artifacts").map(({ bytes }) => bytes)).toEqual([4, 3]);
      const hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
      expect(await readFile(join(to, "artifacts.manifest"), "latin1")).toBe(`${hash}  ./x\n${hash}  ./y\n`);
      await bench.machine.forget(request);
      expect(await collect(request, to)).toEqual(got);
    });

    it("writes through nothing that lies where files arrive", async () => {
      const request = await ran("mkdir d; echo 1 > d/a");
      const to = destination();
      await mkdir(join(dir, "elsewhere"), { recursive: true });
      await mkdir(join(to, ".partial"), { recursive: true });
      await symlink(join(dir, "elsewhere"), join(to, ".partial", "d"));
      expect(await collect(request, to)).toMatchObject({ files: 1 });
      expect(await readdir(join(dir, "elsewhere"))).toEqual([]);
      expect((await lstat(join(to, "artifacts", "d"))).isDirectory()).toBe(true);
    });
  });
}
