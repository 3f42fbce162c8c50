/**
 * Every way Waybill can refuse or fail, in one closed table.
 *
 * A code has one HTTP status, one exit code and one answer to "is it worth trying again"; interfaces translate from
 * here and nowhere else, so that a code cannot exist without all three.
 */

/** Exit codes of the `waybill` command (docs/errors.md). Work that has a code of its own exits with that code. */
export const EXIT = {
  success: 0,
  workFailed: 1,
  badInput: 2,
  notFound: 3,
  conflict: 4,
  store: 5,
  machine: 6,
  notAllowed: 7,
  timeout: 124,
  interrupted: 130,
} as const;

interface ErrorFacts {
  readonly exit: (typeof EXIT)[keyof typeof EXIT];
  readonly http: number;
  readonly retryable: boolean;
}

const facts = <T extends Record<string, ErrorFacts>>(table: T): T => table;

export const ERRORS = facts({
  run_not_found: { exit: EXIT.notFound, http: 404, retryable: false },
  subject_not_found: { exit: EXIT.notFound, http: 404, retryable: false },
  batch_not_found: { exit: EXIT.notFound, http: 404, retryable: false },
  machine_not_found: { exit: EXIT.notFound, http: 404, retryable: false },
  operation_not_found: { exit: EXIT.notFound, http: 404, retryable: false },
  method_not_allowed: { exit: EXIT.badInput, http: 405, retryable: false },
  artifact_not_found: { exit: EXIT.notFound, http: 404, retryable: false },
  variable_not_found: { exit: EXIT.notFound, http: 404, retryable: false },
  task_not_found: { exit: EXIT.notFound, http: 404, retryable: false },
  invalid_task_id: { exit: EXIT.badInput, http: 400, retryable: false },
  unknown_task_type: { exit: EXIT.badInput, http: 400, retryable: false },
  invalid_task_module: { exit: EXIT.badInput, http: 400, retryable: false },
  worker_not_found: { exit: EXIT.notFound, http: 404, retryable: false },
  nothing_to_claim: { exit: EXIT.notFound, http: 404, retryable: true },
  paths_conflict: { exit: EXIT.conflict, http: 409, retryable: true },
  worker_live: { exit: EXIT.conflict, http: 409, retryable: false },
  still_present: { exit: EXIT.timeout, http: 504, retryable: true },
  dependency_cycle: { exit: EXIT.badInput, http: 400, retryable: false },
  task_conflict: { exit: EXIT.conflict, http: 409, retryable: false },
  task_failed: { exit: EXIT.workFailed, http: 200, retryable: false },
  invalid_result: { exit: EXIT.workFailed, http: 200, retryable: false },
  quarantined: { exit: EXIT.workFailed, http: 200, retryable: false },
  dependency_unmet: { exit: EXIT.workFailed, http: 200, retryable: false },
  deadline_exceeded: { exit: EXIT.timeout, http: 504, retryable: false },
  stale_write: { exit: EXIT.conflict, http: 409, retryable: false },
  cache_miss: { exit: EXIT.notFound, http: 404, retryable: false },
  variable_conflict: { exit: EXIT.conflict, http: 409, retryable: false },
  ambiguous_id: { exit: EXIT.badInput, http: 400, retryable: false },
  machine_mismatch: { exit: EXIT.conflict, http: 409, retryable: false },
  machine_busy: { exit: EXIT.conflict, http: 409, retryable: true },
  machine_drained: { exit: EXIT.conflict, http: 409, retryable: false },
  machine_unreachable: { exit: EXIT.machine, http: 503, retryable: true },
  auth_failed: { exit: EXIT.machine, http: 502, retryable: false },
  host_key_mismatch: { exit: EXIT.machine, http: 502, retryable: false },
  no_matching_machine: { exit: EXIT.notFound, http: 422, retryable: false },
  source_unavailable: { exit: EXIT.machine, http: 502, retryable: true },
  transport_unavailable: { exit: EXIT.machine, http: 501, retryable: false },
  upload_failed: { exit: EXIT.machine, http: 502, retryable: true },
  entrypoint_missing: { exit: EXIT.badInput, http: 422, retryable: false },
  artifact_failed: { exit: EXIT.machine, http: 502, retryable: true },
  nonzero_exit: { exit: EXIT.workFailed, http: 200, retryable: false },
  spawn_failed: { exit: EXIT.machine, http: 502, retryable: false },
  disk_full: { exit: EXIT.machine, http: 507, retryable: true },
  log_limit: { exit: EXIT.workFailed, http: 200, retryable: false },
  timeout: { exit: EXIT.timeout, http: 504, retryable: false },
  silence_timeout: { exit: EXIT.timeout, http: 504, retryable: false },
  cancelled: { exit: EXIT.interrupted, http: 409, retryable: false },
  out_of_contact: { exit: EXIT.interrupted, http: 409, retryable: true },
  terminated: { exit: EXIT.interrupted, http: 409, retryable: true },
  lost: { exit: EXIT.interrupted, http: 409, retryable: true },
  invalid_plan: { exit: EXIT.badInput, http: 400, retryable: false },
  empty_plan: { exit: EXIT.badInput, http: 400, retryable: false },
  invalid_inventory: { exit: EXIT.badInput, http: 400, retryable: false },
  invalid_input: { exit: EXIT.badInput, http: 400, retryable: false },
  invalid_tree: { exit: EXIT.badInput, http: 400, retryable: false },
  missing_env: { exit: EXIT.badInput, http: 400, retryable: false },
  unauthorized: { exit: EXIT.notAllowed, http: 401, retryable: false },
  forbidden: { exit: EXIT.notAllowed, http: 403, retryable: false },
  request_too_large: { exit: EXIT.badInput, http: 413, retryable: false },
  unsupported_media_type: { exit: EXIT.badInput, http: 415, retryable: false },
  address_unavailable: { exit: EXIT.machine, http: 500, retryable: true },
  invalid_state: { exit: EXIT.conflict, http: 409, retryable: false },
  lease_lost: { exit: EXIT.conflict, http: 409, retryable: true },
  store_busy: { exit: EXIT.store, http: 503, retryable: true },
  store_newer: { exit: EXIT.store, http: 500, retryable: false },
  store_corrupt: { exit: EXIT.store, http: 500, retryable: false },
  store_unwritable: { exit: EXIT.store, http: 500, retryable: false },
  store_full: { exit: EXIT.store, http: 507, retryable: true },
  store_unsupported: { exit: EXIT.store, http: 500, retryable: false },
  internal: { exit: EXIT.workFailed, http: 500, retryable: false },
});

export type ErrorCode = keyof typeof ERRORS;
export const ERROR_CODES = Object.keys(ERRORS) as readonly ErrorCode[];

export const isErrorCode = (value: string): value is ErrorCode => Object.hasOwn(ERRORS, value);

export interface ErrorOptions {
  /** What the reader can do next, as a sentence. */
  readonly hint?: string;
  /** Facts for programs; never secrets. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** The only error that Waybill throws on purpose. Branch on `code`; the message is for people. */
export class WaybillError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "WaybillError";
    this.code = code;
    this.hint = options.hint;
    this.details = options.details ?? {};
  }

  get retryable(): boolean {
    return ERRORS[this.code].retryable;
  }
}
