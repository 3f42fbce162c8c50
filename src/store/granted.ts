import type { WaybillError } from "../domain/errors.js";

/** A wish was granted, or refused and nothing was changed. */
export type Granted<T> =
  | { readonly granted: true; readonly value: T }
  | { readonly granted: false; readonly error: WaybillError };

export const granted = <T>(value: T): Granted<T> => ({ granted: true, value });
export const refused = (error: WaybillError): Granted<never> => ({ granted: false, error });
