/** What a service did, in a line. */
import type { OutputOf } from "../../../contracts/index.js";

export const renderServed = ({ url, succeeded, failed, hurried }: OutputOf<"system.serve">): string =>
  `served ${url}: ${succeeded} attempts succeeded, ${failed} failed${hurried ? "; stopped in a hurry" : ""}`;
