import { expect, it } from "vitest";
import { newTaskId } from "./new-task-id.js";

it("makes ids of version 7 that differ, and sort in the order in which they were made", () => {
  const ids = Array.from({ length: 20_000 }, newTaskId);

  expect(new Set(ids).size).toBe(ids.length);
  expect([...ids].sort()).toEqual(ids);
  for (const id of ids.slice(0, 600)) {
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  }
});
