import { describe, expect, it } from "vitest";
import { canonicalTaskId, checkSameTask } from "./task-identity.js";

const ID = "0190163d-8694-739b-aea5-966c26f8ad91";

describe("the id of a task", () => {
  it("is one for all spellings of a UUID", () => {
    const spellings = [ID, ID.toUpperCase(), `urn:uuid:${ID}`, `{${ID}}`, ID.replaceAll("-", "")];
    expect(spellings.map(canonicalTaskId)).toEqual(spellings.map(() => ID));
  });

  it.each(["", "1", `${ID}0`, `{${ID}`, `${ID}}`, `urn:uuid:{${ID}}`, ID.replace("-", ""), ID.replace("0", "g")])(
    "is refused when it is %j",
    (id) => {
      expect(() => canonicalTaskId(id)).toThrow(expect.objectContaining({ code: "invalid_task_id" }));
    },
  );
});

describe("a second submission under one id", () => {
  const known = { type: "mail", params: { to: "a", n: [1, { x: null, y: 2 }] } };

  it("is the same task when type and params are equal, however their keys are ordered", () => {
    expect(() =>
      checkSameTask(ID, known, { type: "mail", params: { n: [1, { y: 2, x: null }], to: "a" } }),
    ).not.toThrow();
  });

  it.each([
    ["type", { ...known, type: "post" }],
    ["params", { ...known, params: { to: "a", n: [1] } }],
  ])("is a conflict when its %s differ", (differs, submitted) => {
    expect(() => checkSameTask(ID, known, submitted)).toThrow(
      expect.objectContaining({ code: "task_conflict", details: { id: ID, differs } }),
    );
  });
});
