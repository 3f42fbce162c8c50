/** The token that callers of the sidecar API show: given, read from a file, or made once for this state directory. */
import { randomBytes } from "node:crypto";
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { isDiskFull } from "../domain/disk-full.js";
import { WaybillError } from "../domain/errors.js";
import type { Settings } from "./settings.js";

/** 256 bits: nobody guesses them, so requests need no limit of tries. */
const TOKEN_BYTES = 32;
/** What fits into a header without quoting (RFC 6750, section 2.1), and is too long to be guessed. */
const TOKEN = /^[A-Za-z0-9\-._~+/]{16,}=*$/;

/**
 * `file`, else `WAYBILL_TOKEN`, else `token` in the state directory, which is made, readable by its owner alone, when it
 * is not there. Errors: `invalid_input` for a file that cannot be read and for what is no token;
 * `disk_full` and `store_unwritable` when none can be made.
 */
export function readToken(settings: Pick<Settings, "home" | "environment" | "cwd">, file: string | undefined): string {
  if (file !== undefined) return checked(readText(resolve(settings.cwd, file)), `The file ${file}`);
  const given = settings.environment.WAYBILL_TOKEN;
  if (given) return checked(given, "WAYBILL_TOKEN");
  makeOnce(settings.home.token);
  return checked(readText(settings.home.token), `The file ${settings.home.token}`);
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new WaybillError("invalid_input", `The token cannot be read: ${(cause as Error).message}.`, {
      hint: "Give a file that holds the token alone, and that you may read.",
      cause,
    });
  }
}

function checked(text: string, where: string): string {
  const token = text.trim();
  if (TOKEN.test(token)) return token;
  throw new WaybillError("invalid_input", `${where} holds no token; expected at least 16 letters and digits.`, {
    hint: "`openssl rand -hex 32` makes one.",
  });
}

/** Written whole beside its place, then linked there: of two processes that make one, the first wins and both read it. */
function makeOnce(path: string): void {
  // A name that nobody else has: in containers every sidecar has the same pid.
  const made = `${path}.${randomBytes(6).toString("hex")}`;
  try {
    readFileSync(path);
    return;
  } catch (error) {
    // Only what is not there is made; what cannot be read is told when it is read.
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") return;
  }
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(made, `${randomBytes(TOKEN_BYTES).toString("hex")}\n`, { mode: 0o600, flag: "wx", flush: true });
    linkSync(made, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw unwritable(path, error);
  } finally {
    rmSync(made, { force: true });
  }
}

function unwritable(path: string, cause: unknown): WaybillError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const full = isDiskFull(code);
  return new WaybillError(full ? "disk_full" : "store_unwritable", `No token could be made at ${path}: ${message}.`, {
    hint: `${full ? "Free some space" : "Make the directory writable"}, or give one with --token-file or WAYBILL_TOKEN.`,
    details: { path, errno: code },
    cause,
  });
}
