/** What every test of a file has anew. */
import { afterEach, beforeEach } from "vitest";

/**
 * Has `make` called before each test of the suite that this stands in, and what it made disposed of after the test.
 * Hooks that are registered further down find it made, and it is still there when theirs clean up.
 *
 * @returns what stands for the one of the test that runs, so that helpers of a file can be made of it once. It may be read
 *   while a test or its hooks run; at any other time there is none, and reading throws.
 */
export function perTest<T extends { dispose(): Promise<void> }>(make: () => T | Promise<T>): T {
  let current: T | null = null;
  beforeEach(async () => {
    current = await make();
  });
  afterEach(async () => {
    await current?.dispose();
    current = null;
  });
  return new Proxy({} as T, {
    get: (_none, key) => {
      if (current === null) throw new Error(`No test runs whose ${String(key)} could be read.`);
      return Reflect.get(current, key);
    },
  });
}
