/** Errors as answers. A fault of the store is never told as an answer about tasks: no 404, no empty list, no 400. */
import type { ErrorView } from "../../contracts/sidecar.js";
import { ERRORS, type ErrorCode, EXIT, WaybillError } from "../../domain/errors.js";

/** The store was closed, or is about to be: another try meets the sidecar that follows. */
const PASSING: readonly ErrorCode[] = ["invalid_state", "lease_lost"];

export interface ErrorAnswer {
  readonly status: number;
  readonly body: ErrorView;
}

function statusOf(code: ErrorCode): number {
  return ERRORS[code].exit === EXIT.store || PASSING.includes(code) ? 503 : ERRORS[code].http;
}

/** What is not ours is a fault of the program: its text is for the log, not for whoever asks. */
export function answerTo(thrown: unknown): ErrorAnswer {
  if (!(thrown instanceof WaybillError)) {
    const body = { error: "A fault in the server; its log says more.", code: "internal", retryable: false } as const;
    return { status: ERRORS.internal.http, body };
  }
  const { message, code, hint } = thrown;
  const status = statusOf(code);
  const retryable = thrown.retryable || status === 503;
  return { status, body: { error: message, code, ...(hint === undefined ? {} : { hint }), retryable } };
}
