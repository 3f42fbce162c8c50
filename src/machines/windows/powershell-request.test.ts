import { describe, expect, it } from "vitest";
import { NOT_INSTALLED } from "../ssh/request-line.js";
import { POWERSHELL_BOOTSTRAP, powershellInstallLine, powershellVerbLine } from "./powershell-request.js";

const NONCE = "0123456789abcdef0123456789abcdef";
/** What cmd.exe takes as one command at most. */
const LONGEST_COMMAND = 8191;

/** Takes an order off the front of the input, as the bootstrap does: its length in eight digits, base64, a newline. */
function takeOrder(input: string) {
  const length = Number(input.slice(0, 8));
  const coded = input.slice(8, 8 + length);
  expect(input.at(8 + length)).toBe("\n");
  return { order: JSON.parse(Buffer.from(coded, "base64").toString()), rest: input.slice(9 + length) };
}

const line = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  powershellVerbLine({ nonce: NONCE, workDir: "C:\\way bill", supervisorHash: "abc", verb: "start", args, env });

const everyCharacter = Array.from({ length: 0x10000 }, (_, code) => code)
  .filter((code) => code !== 0 && (code < 0xd800 || code > 0xdfff))
  .map((code) => String.fromCharCode(code))
  .join("");

describe("a request to PowerShell", () => {
  it("begins with words that no shell takes apart or changes, and that cmd.exe has room for", () => {
    expect(POWERSHELL_BOOTSTRAP).toMatch(/^powershell\.exe( [A-Za-z0-9.+/=-]+)+$/);
    expect(POWERSHELL_BOOTSTRAP.length).toBeLessThan(LONGEST_COMMAND);
  });

  it("carries a program that decodes to itself, and says when there is no supervisor as every machine does", () => {
    const coded = POWERSHELL_BOOTSTRAP.split(" ").at(-1) ?? "";
    const program = Buffer.from(coded, "base64").toString("utf16le");
    expect(Buffer.from(program, "utf16le").toString("base64")).toBe(coded);
    expect(program).toContain(`$wbStatus=${NOT_INSTALLED}`);
  });

  it.each([
    ["quotes", `'"\`''""`],
    ["what shells expand", "$(exit 1) $HOME %PATH% !x! ~ * ;& | <>"],
    ["newlines", "\r\n\n \t"],
    ["an emoji", "🚚 and e\u0301"],
    ["dashes", "--% -- -EncodedCommand"],
    ["every character that is half of none", everyCharacter],
    ["nothing", ""],
  ])("brings %s as they are", (_, text) => {
    const { order, rest } = takeOrder(`${line([text, "next"], { NAME: text })}what follows`);
    expect(order).toEqual({
      nonce: NONCE,
      work_dir: "C:\\way bill",
      hash: "abc",
      verb: "start",
      args: [text, "next"],
      env: ["NAME", text],
    });
    expect(rest).toBe("what follows");
  });

  it("keeps variables apart whose names differ in case only", () => {
    expect(takeOrder(line([], { Path: "1", PATH: "2" })).order.env).toEqual(["Path", "1", "PATH", "2"]);
  });

  it.each([
    ["half of a surrogate pair", "a\ud83d"],
    ["a NUL", "a\0b"],
  ])("is refused for %s, which Windows could not be given", (what, text) => {
    const refusal = expect.objectContaining({ code: "invalid_input", message: expect.stringContaining(what) });
    expect(() => line([text])).toThrow(refusal);
    expect(() => line([], { NAME: text })).toThrow(refusal);
  });

  it("without a verb installs the supervisor from what follows it", () => {
    const { order } = takeOrder(powershellInstallLine(NONCE, "~/.waybill", "abc"));
    expect(order).toEqual({ nonce: NONCE, work_dir: "~/.waybill", hash: "abc", verb: null, args: [], env: [] });
  });
});
