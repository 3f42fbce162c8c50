/** The JSON that `--json` prints: one versioned envelope for results and errors alike. */
import { SCHEMA_VERSION } from "../../contracts/fields.js";
import { WaybillError } from "../../domain/errors.js";

export const success = (data: unknown): string => JSON.stringify({ schema_version: SCHEMA_VERSION, ok: true, data });

export function failure(error: WaybillError): string {
  const { code, message, hint, retryable, details } = error;
  return JSON.stringify({
    schema_version: SCHEMA_VERSION,
    ok: false,
    error: { code, message, hint: hint ?? null, retryable, details },
  });
}

/** Anything thrown, as an error of ours; what is not ours is a fault of the program and says so. */
export function toWaybillError(thrown: unknown): WaybillError {
  if (thrown instanceof WaybillError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new WaybillError("internal", message, {
    cause: thrown,
    hint: "This is a fault in Waybill. Please report it with the command line and `waybill doctor --json`.",
  });
}
