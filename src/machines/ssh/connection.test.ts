/** What a request gets of a real server that answers late, or goes on for long. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { removeDir } from "../conformance/machine-bench.js";
import { STANDARD_PATH } from "../local/local-fixture.js";
import { type ExchangeRequest, SshConnection } from "./connection.js";
import { dialectOf } from "./dialect.js";
import { noSshd, type Sshd, startSshd } from "./sshd-fixture.js";

const why = noSshd === null ? "" : ` (skipped: ${noSshd})`;
/** Long enough for a login on a loaded machine, and less than `GOES_ON`. */
const BEGIN_MS = 5_000;
const GOES_ON = "sleep 6";

describe.skipIf(noSshd !== null)(`an answer that lasts as long as somebody wants it${why}`, () => {
  const dir = mkdtempSync(join(tmpdir(), "waybill-sshd-"));
  let sshd: Sshd;
  let silent: Sshd;
  beforeAll(async () => {
    sshd = await startSshd({ dir: join(dir, "answers") });
    silent = await startSshd({ dir: join(dir, "silent"), login: "exec cat >/dev/null" });
  });
  afterAll(async () => {
    await Promise.all([sshd.kill(), silent.kill()]);
    await removeDir(dir);
  });

  async function answerOf({ spec }: Sshd, beginMs: number, script: string): Promise<string> {
    const far = spec(join(dir, "far"));
    const connection = new SshConnection(far, { PATH: STANDARD_PATH }, dialectOf(far), beginMs);
    const line: ExchangeRequest["line"] = (nonce) => `echo ${nonce}; ${script}; echo "${nonce} $?"\n`;
    const { output } = await connection.exchange({ line, input: null, deadlineMs: null, kind: "lasting" });
    let text = "";
    for await (const bytes of output) text += bytes.toString();
    return text;
  }

  it("is given up when it has not begun in time, and its machine counts as out of reach", async () => {
    const failure = { code: "machine_unreachable", message: expect.stringContaining("nothing came within 0.5 s") };
    await expect(answerOf(silent, 500, "true")).rejects.toMatchObject(failure);
  });

  it("has any time once it has begun", async () => {
    expect(await answerOf(sshd, BEGIN_MS, `echo begun; ${GOES_ON}; echo ended`)).toBe("begun\nended\n");
  });
});
