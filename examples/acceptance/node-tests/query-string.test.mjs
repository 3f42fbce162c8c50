import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatQuery, parseQuery } from "./query-string.mjs";

describe("a query string", () => {
  it("keeps every value of a repeated name, in order", () => {
    assert.deepEqual(
      parseQuery("a=1&b=2&a=3"),
      new Map([
        ["a", ["1", "3"]],
        ["b", ["2"]],
      ]),
    );
  });

  it("reads a plus as a space and percent sequences as UTF-8", () => {
    assert.deepEqual(
      parseQuery("?q=two+words&n=%C3%A9"),
      new Map([
        ["q", ["two words"]],
        ["n", ["é"]],
      ]),
    );
  });

  it("leaves half a percent sequence as it is", () => {
    assert.deepEqual(parseQuery("p=100%"), new Map([["p", ["100%"]]]));
  });

  it("reads a name without a value as empty, and skips empty pairs", () => {
    assert.deepEqual(
      parseQuery("&flag&&x="),
      new Map([
        ["flag", [""]],
        ["x", [""]],
      ]),
    );
  });

  it("reads back what it writes", () => {
    const fields = new Map([
      ["a b", ["1&2", "=", "ü"]],
      ["", ["nameless"]],
    ]);

    assert.deepEqual(parseQuery(formatQuery(fields)), fields);
  });
});
