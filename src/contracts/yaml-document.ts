/**
 * Reads a YAML file that a person wrote against a schema, and reports every fault in it at once with line and column:
 * someone who corrects a plan should need one round, not one for each typing error.
 *
 * An unknown key is reported at the key, a wrong value at the value, a missing key at the map that lacks it.
 */
import { type Document, isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, visit } from "yaml";
import type * as z from "zod";
import { nearest } from "../domain/nearest.js";
import { type FileProblem, formatPath } from "./file-problem.js";
import { describeIssue, type ValueFault } from "./schema-issue.js";
import { aliasesStaySmall, decodeText, findDeepNesting, findNul, type Refusal } from "./yaml-guard.js";

/** Looks at the parsed document before it is known to fit the schema, so that its faults are reported with the rest. */
export type Rule = (value: unknown) => readonly ValueFault[];

export type YamlReading<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly FileProblem[] };

/** Parses `bytes` and checks them against `schema` and `rules`. An empty file is read as `undefined`. Never throws. */
export function readYaml<T>(bytes: Uint8Array, schema: z.ZodType<T>, rules: readonly Rule[] = []): YamlReading<T> {
  const decoded = decodeText(bytes);
  if (decoded.refusal !== null) return refuse([decoded.refusal], new LineCounter());
  const { text } = decoded;
  const unsafe = findNul(text) ?? findDeepNesting(text);
  if (unsafe !== null) return refuse([unsafe], countLines(text));
  const lines = new LineCounter();
  // "error" keeps warnings off stderr; they are reported with the errors.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: "error" });
  const aliases = unresolvedAliases(document);
  const faults = [...syntaxFaults(document), ...aliases];
  // After a syntax error the rest of the document is a guess; a repeated key leaves it whole.
  const whole = aliases.length === 0 && document.errors.every((error) => error.code === "DUPLICATE_KEY");
  if (!whole) return refuse(faults, lines);
  const value: unknown = document.toJS({ maxAliasCount: -1 });
  if (!aliasesStaySmall(value)) {
    return refuse([{ offset: 0, message: "aliases that multiply without end", hint: "write the values out" }], lines);
  }
  return check(value ?? undefined, { document, lines, faults }, schema, rules);
}

interface Source {
  readonly document: Document;
  readonly lines: LineCounter;
  readonly faults: readonly Refusal[];
}

function check<T>(value: unknown, source: Source, schema: z.ZodType<T>, rules: readonly Rule[]): YamlReading<T> {
  const parsed = schema.safeParse(value);
  const issues = parsed.success ? [] : parsed.error.issues.flatMap((issue) => describeIssue(issue, schema, value));
  const faults = [...issues, ...rules.flatMap((rule) => rule(value))];
  const problems = [
    ...source.faults.map((fault) => atOffset(fault, source.lines)),
    ...faults.map((fault) => locate(fault, source)),
  ];
  if (parsed.success && problems.length === 0) return { ok: true, value: parsed.data };
  return { ok: false, problems: problems.sort((a, b) => a.line - b.line || a.column - b.column) };
}

function refuse(faults: readonly Refusal[], lines: LineCounter): YamlReading<never> {
  return { ok: false, problems: faults.map((fault) => atOffset(fault, lines)) };
}

function atOffset({ offset, message, hint }: Refusal, lines: LineCounter): FileProblem {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col), path: "", message, hint };
}

function countLines(text: string): LineCounter {
  const lines = new LineCounter();
  for (let at = 0; at >= 0; at = text.indexOf("\n", at) + 1 || -1) lines.addNewLine(at);
  return lines;
}

function syntaxFaults(document: Document): Refusal[] {
  return [...document.errors, ...document.warnings].map((error) => ({
    offset: error.pos[0],
    message: error.code === "DUPLICATE_KEY" ? `repeated key ${keyAt(document, error.pos[0])}` : error.message,
    hint: error.code === "DUPLICATE_KEY" ? "keys of a map are unique" : null,
  }));
}

/** The parser leaves aliases to `toJS`, which throws without saying where. */
function unresolvedAliases(document: Document): Refusal[] {
  const anchors = new Set<string>();
  const faults: Refusal[] = [];
  visit(document, {
    Node(_key, node) {
      if (isAlias(node)) {
        if (anchors.has(node.source)) return;
        const near = nearest(node.source, [...anchors]);
        const hint = near === null ? "an anchor must stand before its alias" : `did you mean *${near}?`;
        faults.push({ offset: node.range?.[0] ?? 0, message: `unknown alias *${node.source}`, hint });
      } else if (node.anchor !== undefined) anchors.add(node.anchor);
    },
  });
  return faults;
}

function keyAt(document: Document, offset: number): string {
  let name = "";
  visit(document, {
    Pair(_key, pair) {
      if (isScalar(pair.key) && pair.key.range?.[0] === offset) name = JSON.stringify(pair.key.value);
    },
  });
  return name;
}

/** Follows the path through the nodes; what is missing is reported at the nearest node that is there. */
function locate(fault: ValueFault, { document, lines }: Source): FileProblem {
  let node: unknown = document.contents;
  let offset = isNode(node) ? (node.range?.[0] ?? 0) : 0;
  fault.path.forEach((part, index) => {
    const collection = isAlias(node) ? node.resolve(document) : node;
    const last = index === fault.path.length - 1;
    let next: unknown = null;
    if (isMap(collection)) {
      const pair = collection.items.find((item) => isScalar(item.key) && String(item.key.value) === String(part));
      next = last && fault.at === "key" ? pair?.key : (pair?.value ?? pair?.key);
    } else if (isSeq(collection) && typeof part === "number") next = collection.items[part];
    if (isNode(next) && next.range) offset = next.range[0];
    node = next;
  });
  return atOffsetOf(fault, offset, lines);
}

function atOffsetOf(fault: ValueFault, offset: number, lines: LineCounter): FileProblem {
  const place = atOffset({ offset, message: fault.message, hint: fault.hint ?? null }, lines);
  return { ...place, path: formatPath(fault.path) };
}
