import { describe, expect, it } from "vitest";
import { serviceLog } from "./service-log.js";

function linesOf(format: "json" | "text"): readonly string[] {
  const lines: string[] = [];
  const log = serviceLog(format, (line) => lines.push(line));
  log("serve.listening", { url: "http://localhost", types: "a b" });
  log("engine.claim_failed", { error: "locked", token: "secret" });
  return lines;
}

describe("the log of a service", () => {
  it("as JSON is one event a line, with level, time and fields", () => {
    const [first, second] = linesOf("json").map((line) => JSON.parse(line));
    expect(first).toEqual({
      level: "info",
      at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      event: "serve.listening",
      url: "http://localhost",
      types: "a b",
    });
    expect(second).toMatchObject({ level: "warn", event: "engine.claim_failed", error: "locked" });
  });

  it("as text is the same for people, one line each", () => {
    const [first, second] = linesOf("text");
    expect(first).toMatch(/^[\d:.]{12} info serve\.listening url="http:\/\/localhost" types="a b"\n$/);
    expect(second).toMatch(/^[\d:.]{12} warn engine\.claim_failed error="locked" token="\[Redacted\]"\n$/);
  });

  it("never holds a token", () => {
    for (const format of ["json", "text"] as const) expect(linesOf(format).join("")).not.toContain("secret");
  });
});
