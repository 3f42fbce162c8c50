/** What happened between a run and its machine while somebody follows the run. */
import type { ErrorCode } from "../domain/errors.js";

export type ContactChange =
  /** `isAsked`: whether the machine was asked to start it, so that it may run there meanwhile. */
  | { readonly type: "lost"; readonly machine: string; readonly code: ErrorCode; readonly isAsked: boolean }
  | { readonly type: "back"; readonly machine: string; readonly afterMs: number }
  | { readonly type: "moved"; readonly from: string; readonly to: string; readonly reason: string }
  /** A machine that had been replaced is back, and the end that it recorded counts. */
  | { readonly type: "returned" };
