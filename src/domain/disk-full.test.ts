import { expect, it } from "vitest";
import { isDiskFull } from "./disk-full.js";

it("a disk is full where nothing more fits, or nothing more of this user, and not where writing is forbidden", () => {
  expect(["ENOSPC", "EDQUOT", "EROFS", "EACCES", undefined].map(isDiskFull)).toEqual([true, true, false, false, false]);
});
