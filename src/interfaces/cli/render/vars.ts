/** Variables for people. */
import pc from "picocolors";
import type { OutputOf } from "../../../contracts/index.js";
import { printable, table } from "./text.js";

/** What fits into a table's cell of a value that may be megabytes. */
const SHOWN = 80;

export async function renderVariables({ scope, variables, next }: OutputOf<"vars.list">): Promise<string> {
  if (variables.length === 0) return `No variables can be seen from ${printable(scope)}.`;
  const rows = variables.map((v) => [
    printable(v.key),
    shorten(v.value),
    printable(v.origin ?? ""),
    v.expires_at ?? "",
  ]);
  const listed = await table(["KEY", "VALUE", "FROM", "EXPIRES"], rows);
  return next === null ? listed : `${listed}\n${pc.dim(`more: --after ${JSON.stringify(next)}`)}`;
}

const shorten = (value: string): string =>
  printable(value.length > SHOWN ? `${value.slice(0, SHOWN)}… (${value.length} characters)` : value);
