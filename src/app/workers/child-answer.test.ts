import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describeLoss } from "../../domain/result.js";
import type { LastLine } from "../../machines/children/child-log.js";
import { formatResult } from "../../workers/result-codec.js";
import { type ChildTraces, readAnswer } from "./child-answer.js";

let dir = "";
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "waybill-answer-"));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const ENDED = { code: 0, signal: null };
const PIPES = "dispatch-result|fail|from the line";
const JSON_LINE = '{"v":2,"kind":"needs_input","summary":"which one?"}';

let files = 0;
const whole = (text: string | null): LastLine | null => (text === null ? null : { text, isCut: false });

/** What is answered from a result file with this content (none for null), and from the rest. */
function answerOf(content: string | Buffer | null, traces: Partial<ChildTraces> = {}) {
  files += 1;
  const resultFile = join(dir, String(files));
  if (content !== null) writeFileSync(resultFile, content);
  return readAnswer({ resultFile, lastLine: null, end: ENDED, stopped: false, ...traces });
}

describe("the answer of a child", () => {
  it("is that of its file before that of its last line, in either format", async () => {
    const file = formatResult({ kind: "fork", summary: "a | b\n🙂" });
    expect(await answerOf(`\ufeff${file}\n\n`, { lastLine: whole(PIPES) })).toMatchObject({
      source: "file",
      result: { kind: "fork", summary: "a | b\n🙂" },
    });
    const pretty = JSON.stringify({ v: 2, kind: "success", summary: "s", artifacts: [{ type: "git" }] }, null, 2);
    expect(await answerOf(pretty)).toMatchObject({ source: "file", result: { artifacts: [{ type: "git" }] } });
  });

  it("is that of its last line when the file is not there or says nothing", async () => {
    expect(await answerOf(null, { lastLine: whole(PIPES) })).toMatchObject({
      source: "line",
      result: { kind: "fail" },
    });
    expect(await answerOf(" \n", { lastLine: whole(JSON_LINE) })).toMatchObject({
      source: "line",
      result: { kind: "needs_input", summary: "which one?" },
    });
  });

  it("counts from a program that was killed or failed all the same, and from one that was stopped", async () => {
    const killed = { code: null, signal: "SIGKILL" } as const;
    expect(await answerOf(null, { lastLine: whole(PIPES), end: killed })).toMatchObject({ source: "line" });
    expect(await answerOf(JSON_LINE, { end: { code: 9, signal: null } })).toMatchObject({ source: "file" });
    expect(await answerOf(JSON_LINE, { stopped: true })).toMatchObject({ source: "file" });
  });

  it("is the way it ended when it said nothing, whatever its last line was about", async () => {
    const lines = [
      null,
      "done",
      '{"ok":true}',
      '{"v":2}',
      "{",
      '["v",2]',
      '{"v":1,"kind":"success"}',
      "dispatch-result",
    ];
    for (const lastLine of lines) {
      expect(await answerOf(null, { lastLine: whole(lastLine) }), String(lastLine)).toEqual({
        source: "exit",
        result: { v: 2, kind: "success", summary: "" },
      });
    }
    expect(await answerOf(null, { end: { code: 3, signal: null } })).toMatchObject({
      source: "exit",
      result: { kind: "fail", summary: "The command ended with exit code 3." },
    });
  });

  it("that was killed by somebody is a fault of the infrastructure", async () => {
    const answer = await answerOf(null, { end: { code: null, signal: "SIGSEGV" } });
    expect(answer).toMatchObject({ result: { kind: "fail", substrate: { fault: "killed" } } });
    expect("result" in answer && describeLoss(answer.result)).toBe("killed: The command was ended by SIGSEGV.");
  });

  it("is none when it was told to end and said nothing, whatever its exit code", async () => {
    expect(await answerOf(null, { stopped: true, lastLine: whole("bye") })).toEqual({ source: "none" });
  });

  it("that means to be a result and is none is told to be unreadable", async () => {
    for (const lastLine of ["dispatch-result|done|x", '{"v":2,"kind":"great","summary":""}']) {
      expect(await answerOf(null, { lastLine: whole(lastLine) }), lastLine).toMatchObject({
        source: "line",
        unreadable: expect.stringMatching(/kind/),
      });
    }
    for (const content of ["done", '{"v":2', "[]", Buffer.from([0xff, 0xfe])]) {
      expect(await answerOf(content), String(content)).toMatchObject({
        source: "file",
        unreadable: expect.stringMatching(/./),
      });
    }
  });

  it("is not read from what is no file, or is too large", async () => {
    const folder = join(dir, "folder");
    mkdirSync(folder);
    expect(await answerOf(null, { resultFile: folder })).toMatchObject({
      unreadable: expect.stringMatching(/regular file/),
    });
    const huge = join(dir, "huge");
    writeFileSync(huge, "");
    truncateSync(huge, 16 * 1024 * 1024 + 1);
    expect(await answerOf(null, { resultFile: huge })).toMatchObject({ unreadable: expect.stringMatching(/at most/) });
  });

  it("is unreadable when its last line begins as a result and is too long to be read", async () => {
    for (const text of [
      "dispatch-result|success|xxx",
      '{ "v":2,"kind":"success","summary":"xxx',
      '{"kind": "fail","summa',
    ]) {
      expect(await answerOf(null, { lastLine: { text, isCut: true } }), text).toMatchObject({
        source: "line",
        unreadable: expect.stringContaining("at most"),
      });
    }
    const progress = { text: '{"percent":100,"lines":["xxx', isCut: true };
    expect(await answerOf(null, { lastLine: progress })).toMatchObject({ source: "exit", result: { kind: "success" } });
  });
});
