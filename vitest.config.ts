import { defineConfig } from "vitest/config";

/**
 * Tests stand beside what they test (`src/**`) or, when they span layers, in `test/`. Each file gets a process of its
 * own: several of them kill children and open databases, and must not share handles with a neighbour.
 */
export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts", "scripts/**/*.test.ts"],
    pool: "forks",
    // Two, whatever the machine has: runs under test start processes of their own and need room.
    maxWorkers: 2,
    // CI shares its machine: a process may be starved for seconds there. A test that passed at its second try is named by
    // scripts/check.mjs, to be looked at; elsewhere the first try counts.
    retry: process.env.CI === undefined ? 0 : 1,
    // An upper bound for what hangs: a connection that rests between two tries, on a machine that is shared, takes its time.
    testTimeout: 180_000,
    hookTimeout: 60_000,
    coverage: {
      provider: "v8",
      include: ["src/domain/**/*.ts"],
      exclude: ["src/**/*.test.ts"],
      reporter: ["text", "json-summary"],
      reportsDirectory: "reports/coverage",
      thresholds: { "src/domain/**": { statements: 100, branches: 100, functions: 100, lines: 100 } },
    },
  },
});
