/** What a service did, in a line. */
import type { OutputOf } from "../../../contracts/index.js";
import { renderAttemptCounts } from "./attempt-counts.js";

export const renderServed = ({ url, hurried, ...counts }: OutputOf<"system.serve">): string =>
  `served ${url}; attempts: ${renderAttemptCounts(counts)}${hurried ? "; stopped in a hurry" : ""}`;
