/** What `submit` takes besides params: a rule for each option. */

import { LONGEST_DELAY_MS } from "../domain/delay.js";
import { DEPENDENCY_OUTCOMES, type Dependency } from "../domain/dependency.js";
import type { PathWish } from "../domain/path-scope.js";
import type { UniqueScope } from "../domain/unique-key.js";
import { anyText, closed, fitting, flag, listOf, oneOf, type Rules, someText, textOr, whole } from "./option-rules.js";
import type { SubmitOptions } from "./submission.js";

/** Further from 1970 than this there is no date; milliseconds. */
const LONGEST_TIME_MS = 8_640_000_000_000_000;

const time = fitting("a Date, or whole milliseconds since 1970", (value) => {
  const ms = value instanceof Date ? value.getTime() : value;
  return Number.isSafeInteger(ms) && Math.abs(ms as number) <= LONGEST_TIME_MS;
});

const duration = whole(1, LONGEST_DELAY_MS);
const uniqueScope = textOr(
  oneOf(["waiting", "active"] satisfies UniqueScope[]),
  closed<Extract<UniqueScope, { forMs: number }>>({ forMs: duration }, { required: ["forMs"] }),
);

const RULES: Rules<SubmitOptions> = {
  id: anyText,
  priority: whole(Number.MIN_SAFE_INTEGER),
  runAt: time,
  delayMs: whole(0, LONGEST_DELAY_MS),
  dependsOn: listOf(
    textOr(
      anyText,
      closed<Dependency>({ id: anyText, outcome: oneOf(DEPENDENCY_OUTCOMES) }, { required: ["id", "outcome"] }),
    ),
  ),
  uniqueKey: textOr(
    someText,
    closed<{ key: string; scope: UniqueScope }>({ key: someText, scope: uniqueScope }, { required: ["key", "scope"] }),
  ),
  concurrencyKey: someText,
  maxAttempts: whole(1),
  timeoutMs: duration,
  deadlineMs: duration,
  tags: listOf(someText),
  // Modes, spaces and patterns are judged where paths are read.
  paths: listOf(
    closed<PathWish>({ mode: anyText, pattern: anyText, space: anyText }, { required: ["mode", "pattern"] }),
  ),
  discoveredFrom: anyText,
  createdBy: anyText,
  trace: anyText,
  retryEnded: flag,
};

const submitRule = closed(RULES, {
  meant: { delay: "delayMs", after: "dependsOn", depends_on: "dependsOn", key: "concurrencyKey", unique: "uniqueKey" },
});

/** Errors: `invalid_input`. */
export const checkSubmitOptions = (options: SubmitOptions): void => submitRule.check(options, { path: "", owner: "" });
