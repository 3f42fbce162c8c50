import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { attemptDirName } from "./machine.js";
import { parseExitLink, parseExitRecord, parseStartRecord } from "./machine-record.js";

const header = { v: 1, run: "0192", attempt: 1, fence: 4 };
const start = {
  ...header,
  pid: 10,
  pid_start: "1",
  supervisor: 9,
  supervisor_start: "1",
  watchdog: 8,
  watchdog_start: "1",
  boot: "b",
  started: 5,
};
const exit = {
  ...header,
  code: 0,
  reason: "exited",
  log_bytes: 3,
  artifacts_manifest_hash: null,
  started: 5,
  ended: 9,
};

const without = (record: object, key: string) =>
  JSON.stringify(Object.fromEntries(Object.entries(record).filter(([k]) => k !== key)));

describe("a record of a machine", () => {
  it("is read when it is whole", () => {
    expect(parseStartRecord(`${JSON.stringify(start)}\n`)).toEqual(start);
    expect(parseExitRecord(JSON.stringify(exit))).toEqual(exit);
    const silent = { ...exit, code: null, started: null, artifacts_manifest_hash: "ff" };
    expect(parseExitRecord(JSON.stringify(silent))).toEqual(silent);
  });

  it.each(Object.keys(start))("is no start record without %s", (key) => {
    expect(parseStartRecord(without(start, key))).toBeNull();
  });

  it.each(Object.keys(exit))("is no exit record without %s", (key) => {
    expect(parseExitRecord(without(exit, key))).toBeNull();
  });

  it("is no record of another version, with a negative or broken number, or with an unknown reason", () => {
    const wrong = [
      { v: 2 },
      { code: -1 },
      { code: "0" },
      { ended: 1.5 },
      { reason: "bored" },
      { run: "" },
      { fence: -1 },
    ];

    expect(wrong.map((w) => parseExitRecord(JSON.stringify({ ...exit, ...w })))).toEqual(wrong.map(() => null));
  });

  it("is no record when it is not an object", () => {
    expect(["", "null", "[]", "1", '"x"', "{", "\0\0\0"].map(parseExitRecord)).toEqual(Array(7).fill(null));
    expect(parseStartRecord("{}")).toBeNull();
  });

  it("is no record when it was torn anywhere", () => {
    const text = JSON.stringify(exit);
    fc.assert(
      fc.property(fc.nat(text.length - 1), (length) => {
        expect(parseExitRecord(text.slice(0, length))).toBeNull();
      }),
    );
  });
});

describe("an attempt's directory", () => {
  it("is named after the run and the attempt", () => {
    expect(attemptDirName({ runId: "r", attempt: 2 })).toBe("r.2");
  });
});

describe("an exit record that is a link", () => {
  const key = { runId: "0192", attempt: 2 };

  it("is read with what it holds", () => {
    const held = { run: "0192", attempt: 2, fence: 4, ended: 9, log_bytes: 0, started: null };
    expect(parseExitLink("7|exited|4|9\n", key)).toMatchObject({ ...held, code: 7, reason: "exited" });
    expect(parseExitLink("null|disk_full|4|9", key)).toMatchObject({ ...held, code: null, reason: "disk_full" });
  });

  it.each(["", "7|exited|4", "x|exited|4|9", "7|bored|4|9", "7|exited|-4|9", "7|exited|4|soon"])(
    "is none as %j",
    (text) => {
      expect(parseExitLink(text, key)).toBeNull();
    },
  );
});
