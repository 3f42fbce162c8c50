/** Faults of the machine itself: each is told for what it is, leaves nothing behind, and all is well once it is mended. */
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { OutputOf } from "../../src/index.js";
import { mountSmallDisk, type SmallDisk, whyNoSmallDisk } from "../../src/machines/conformance/small-disk.js";
import { type FleetMachine, noSshd, startMachine } from "../harness/fleet.js";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";
import { toolsWith } from "../harness/tools.js";
import { until } from "../harness/until.js";
import { expectNothingLeft } from "./aftermath.js";

type Show = OutputOf<"runs.show">;
type Why = OutputOf<"system.why">;
type Options = NonNullable<Parameters<typeof startMachine>[2]>;

const skipped = noSshd === null ? "" : ` (skipped: ${noSshd})`;

const box = perTest(createSandbox);
let disk: SmallDisk | null;
beforeEach(() => {
  disk = null;
  box.work("job", "echo done");
});
afterEach(() => disk?.unmount());

async function machine(options: Options = {}): Promise<FleetMachine> {
  const far = await startMachine(box, "far", options);
  box.machines({ far: far.lines });
  return far;
}

/** A server whose logins have the PATH of `tools`. */
const withTools = (instead: Readonly<Record<string, string | null>>): Promise<FleetMachine> =>
  machine({ env: { PATH: toolsWith(box.path("tools"), instead) } });

/** Submits the job, which must end for `code`; `why` must say the same. */
async function expectFailure(code: string, says: RegExp): Promise<Show> {
  const broken = await box.cli(["run", "job", "--machine", "far"]);
  const { runs } = await box.json<OutputOf<"runs.list">>(["runs", "list"]);
  const id = runs[0]?.id ?? broken.stderr;
  const run = await box.json<Show>(["runs", "show", id]);
  const why = await box.json<Why>(["why", id]);
  expect([broken.code, run.error_code, run.exit_code]).toEqual([6, code, null]);
  expect(broken.stderr).toMatch(says);
  expect(why.reasons).toMatchObject([{ code: "ended", message: expect.stringMatching(says) }]);
  return run;
}

async function expectSuccess(far: FleetMachine): Promise<void> {
  const { code, stdout, stderr } = await box.cli(["run", "job", "--machine", "far"]);
  expect([code, stdout], stderr).toEqual([0, "done\n"]);
  await expectNothingLeft(far);
}

const findings = async (name: string): Promise<unknown> => {
  const { machines } = await box.json<OutputOf<"machines.check">>(["machines", "check", "far"]);
  return machines[0]?.findings.find((finding) => finding.name === name);
};

describe.skipIf(noSshd !== null)(`a machine over ssh${skipped}`, () => {
  it("without tar is told so, and has nothing of the tree", async () => {
    const far = await withTools({ tar: null });
    await expectFailure("upload_failed", /tar/);
    expect(await findings("tar")).toMatchObject({ ok: false, hint: expect.stringMatching(/Install tar/) });
    await expectNothingLeft(far);
  });

  it("without anything that computes SHA-256 is told so", async () => {
    const far = await withTools({ sha256sum: null, shasum: null, openssl: null });
    await expectFailure("upload_failed", /SHA-256/);
    await expectNothingLeft(far);
  });

  it("whose clock is a day ahead is found out, and its runs have its times", async () => {
    const far = await withTools({ date: 'exec /bin/date -d "+1 day" "$@"' });
    expect(await findings("clock")).toMatchObject({ ok: false, value: expect.stringMatching(/^ahead by 86\d{6} ms/) });
    await expectSuccess(far);
    const { runs } = await box.json<OutputOf<"runs.list">>(["runs", "list"]);
    const { started_at, ended_at } = runs[0] ?? {};
    const [started, ended] = [Date.parse(started_at ?? ""), Date.parse(ended_at ?? "")];
    expect(started - Date.now()).toBeGreaterThan(23 * 3_600_000);
    expect(ended).toBeGreaterThanOrEqual(started);
    expect(ended - started).toBeLessThan(60_000);
  });

  it("whose locale knows ASCII only takes and gives names that are not", async () => {
    const far = await machine({ env: { LC_ALL: "C", LANG: "C" } });
    const files = { "größe/日本語 🚚.txt": "Inhalt" };
    box.work("straße", 'cat größe/*; cp -R größe "$WAYBILL_ARTIFACTS_DIR"; printf %s "$1" "$WORT"', files);
    const args = ["run", "straße", "--machine", "far", "--env", "WORT=äöü", "--", "ünïcode"];
    const { code, stdout, stderr } = await box.cli(args, { env: { LC_ALL: "C", LANG: "C" } });
    expect([code, stdout], stderr).toEqual([0, "Inhaltünïcodeäöü"]);
    const { runs } = await box.json<OutputOf<"runs.list">>(["runs", "list"]);
    const brought = join(runs[0]?.artifacts_path ?? "", "größe/日本語 🚚.txt");
    expect(readFileSync(brought, "utf8")).toBe("Inhalt");
    await expectNothingLeft(far);
  });

  it("without the entrypoint in the tree is never asked", async () => {
    const far = await machine();
    const { code, stderr } = await box.cli(["run", "job", "--machine", "far", "--entrypoint", "gone.sh"]);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/no file "gone.sh" in job.*entrypoint_missing/)]);
    expect(existsSync(far.workDir)).toBe(false);
  });
});

const CHATTER = 'echo "Welcome to $(hostname)"; echo "it is late" >&2';

const GOOD_LOGINS = [
  { login: "fish", command: 'exec fish -c "$SSH_ORIGINAL_COMMAND"' },
  { login: "csh", command: 'exec csh -c "$SSH_ORIGINAL_COMMAND"' },
  { login: "tcsh", command: 'exec tcsh -c "$SSH_ORIGINAL_COMMAND"' },
  { login: "zsh", command: 'exec zsh -c "$SSH_ORIGINAL_COMMAND"' },
  { login: "a banner on both streams", command: `${CHATTER}; eval "$SSH_ORIGINAL_COMMAND"; echo "Good bye"` },
  {
    login: "a long banner without an end",
    command: 'head -c 200000 /dev/zero | tr "\\\\0" x; eval "$SSH_ORIGINAL_COMMAND"',
  },
  { login: "a restrictive umask and another directory", command: 'umask 777; cd /tmp; eval "$SSH_ORIGINAL_COMMAND"' },
];

const BAD_LOGINS = [
  { login: "that refuses", command: "/bin/false", says: /login shell of "far" left with code 1/ },
  { login: "that is not there", command: "exec /no/such/shell", says: /login shell of "far" left with code 127/ },
  {
    login: "that says who may not come in",
    command: 'echo "This account is closed." >&2; exit 3',
    says: /left with code 3.*This account is closed/,
  },
  {
    login: "that reads its standard input",
    command: 'cat >/dev/null; eval "$SSH_ORIGINAL_COMMAND"',
    says: /login shell of "far" .*standard input/,
  },
];

describe.skipIf(noSshd !== null)(`a login shell${skipped}`, () => {
  it.each(GOOD_LOGINS)("does no harm: $login", async ({ command }) => {
    await expectSuccess(await machine({ login: command }));
  });

  it.each(BAD_LOGINS)("$login is told for what it is", async ({ command, says }) => {
    // What is forced is read at each login, so that it can be mended.
    const login = box.path("login");
    writeFileSync(login, command);
    const far = await machine({ login: `. ${login}` });
    await expectFailure("spawn_failed", says);
    expect(existsSync(far.workDir)).toBe(false);
    writeFileSync(login, 'eval "$SSH_ORIGINAL_COMMAND"');
    await expectSuccess(far);
  });
});

const noDisk = noSshd ?? whyNoSmallDisk();

describe.skipIf(noDisk !== null)(`the disk of a machine${noDisk === null ? "" : ` (skipped: ${noDisk})`}`, () => {
  let far: FleetMachine;
  beforeEach(async () => {
    far = await machine();
    disk = mountSmallDisk(far.workDir, "1m");
  });
  const setReadOnly = (readOnly: boolean): Promise<boolean> =>
    until("nothing is open for writing", () => disk?.setReadOnly(readOnly));

  /** Leaves less than a block. */
  const fill = (): string => {
    const path = join(far.workDir, "fill");
    try {
      writeFileSync(path, Buffer.alloc(4 * 1024 * 1024));
    } catch (error) {
      // The disk ends before the data, as intended.
      expect(error).toMatchObject({ code: "ENOSPC" });
    }
    return path;
  };

  it("is full before anything was put there", async () => {
    const path = fill();
    await expectFailure("disk_full", /space/i);
    expect(await findings("reach")).toMatchObject({ ok: false, value: expect.stringMatching(/space/i) });
    rmSync(path);
    await expectSuccess(far);
  });

  it("is full when a further tree is to come", async () => {
    await expectSuccess(far);
    const path = fill();
    box.work("job", "echo done # another");
    await expectFailure("disk_full", /space/i);
    rmSync(path);
    await expectSuccess(far);
  });

  it("has no room for a tree of such a size", async () => {
    box.work("job", "echo done", { big: randomBytes(3 * 1024 * 1024) });
    await expectFailure("disk_full", /space/i);
    await expectNothingLeft(far);
    box.work("job", "echo done", { big: "small" });
    await expectSuccess(far);
  });

  it("is read-only before anything was put there", async () => {
    await setReadOnly(true);
    await expectFailure("upload_failed", /work directory.*must be writable/);
    await setReadOnly(false);
    await expectSuccess(far);
  });

  it("is read-only when a further tree is to come", async () => {
    await expectSuccess(far);
    await setReadOnly(true);
    box.work("job", "echo done # another");
    await expectFailure("upload_failed", /[Rr]ead-only/);
    await setReadOnly(false);
    await expectSuccess(far);
  });

  it("is read-only when a known tree is to run", async () => {
    await expectSuccess(far);
    await setReadOnly(true);
    await expectFailure("spawn_failed", /[Rr]ead-only/);
    await setReadOnly(false);
    await expectSuccess(far);
  });
});
