/** Completion scripts, generated from the operation table: groups, commands and flags, with their descriptions. */
import { OPERATIONS } from "../../contracts/index.js";
import { WaybillError } from "../../domain/errors.js";
import { shapeOf } from "./flags.js";

export const SHELLS = ["bash", "zsh", "fish"] as const;
type Shell = (typeof SHELLS)[number];

const GLOBAL_FLAGS = ["--json", "--store", "--machines", "--help"];

interface Entry {
  readonly words: readonly string[];
  readonly summary: string;
  readonly flags: readonly { readonly flag: string; readonly description: string; readonly takesValue: boolean }[];
}

function entries(): Entry[] {
  return OPERATIONS.map((operation) => ({
    words: operation.command.split(" "),
    summary: operation.summary,
    flags: shapeOf(operation).flags.map((field) => ({
      flag: `--${field.flag}`,
      description: field.description,
      takesValue: field.kind === "value" || field.kind === "list",
    })),
  }));
}

/** Errors: `invalid_input` for another shell. */
export function completionScript(shell: string): string {
  const scripts: Record<Shell, () => string> = { bash: bashScript, zsh: zshScript, fish: fishScript };
  const script = scripts[shell as Shell];
  if (script !== undefined) return script();
  throw new WaybillError("invalid_input", `There is no completion for ${JSON.stringify(shell)}.`, {
    hint: `Known shells: ${SHELLS.join(", ")}.`,
  });
}

const firstWords = (): string[] => [...new Set([...entries().map((e) => e.words[0] ?? ""), "completion"])];

/** The words that may follow `group`. */
const secondWords = (group: string): string[] =>
  entries().flatMap((e) => (e.words[0] === group && e.words[1] !== undefined ? [e.words[1]] : []));

const groups = (): string[] => firstWords().filter((word) => secondWords(word).length > 0);

function bashScript(): string {
  const cases = entries().map((e) => {
    const flags = [...e.flags.map((f) => f.flag), ...GLOBAL_FLAGS].join(" ");
    return `    "${e.words.join(" ")}") flags="${flags}" ;;`;
  });
  const seconds = groups().map((g) => `      ${g}) words="${secondWords(g).join(" ")}" ;;`);
  return `# bash completion for waybill
_waybill() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" first="\${COMP_WORDS[1]}" second="\${COMP_WORDS[2]}" words="" flags=""
  COMPREPLY=()
  case "$first $second" in
${cases.join("\n")}
  esac
  case "$first" in
${entries()
  .filter((e) => e.words.length === 1)
  .map((e) => `    ${e.words[0]}) flags="${[...e.flags.map((f) => f.flag), ...GLOBAL_FLAGS].join(" ")}" ;;`)
  .join("\n")}
  esac
  if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W "$flags" -- "$cur")); return; fi
  if [[ $COMP_CWORD -eq 1 ]]; then
    words="${firstWords().join(" ")}"
  elif [[ $COMP_CWORD -eq 2 ]]; then
    case "$first" in
${seconds.join("\n")}
      completion) words="${SHELLS.join(" ")}" ;;
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
  if [[ \${#COMPREPLY[@]} -eq 0 ]]; then COMPREPLY=($(compgen -f -- "$cur")); fi
}
complete -o filenames -F _waybill waybill
`;
}

const quoteZsh = (text: string): string => text.replace(/'/g, "'\\''").replace(/([[\]:])/g, "\\$1");

function zshScript(): string {
  const describe = (words: readonly [string, string][]) => words.map(([w, s]) => `'${w}:${quoteZsh(s)}'`).join(" ");
  const tops = firstWords().map((word): [string, string] => [
    word,
    entries().find((e) => e.words.length === 1 && e.words[0] === word)?.summary ?? word,
  ]);
  const flagsOf = (e: Entry) =>
    e.flags.map((f) => `'${f.flag}[${quoteZsh(f.description)}]${f.takesValue ? ":value:_files" : ""}'`).join(" ");
  const cases = entries().map(
    (e) => `    "${e.words.join(" ")}") _arguments ${flagsOf(e)} '--json' '*:file:_files' ;;`,
  );
  const seconds = groups().map((group) => {
    const words = entries().flatMap((e): [string, string][] =>
      e.words[0] === group && e.words[1] !== undefined ? [[e.words[1], e.summary]] : [],
    );
    return `      ${group}) local -a sub=(${describe(words)}); _describe command sub; return ;;`;
  });
  return `#compdef waybill
_waybill() {
  local -a top=(${describe(tops)})
  if (( CURRENT == 2 )); then _describe command top; return; fi
  if (( CURRENT == 3 )); then
    case "$words[2]" in
${seconds.join("\n")}
      completion) compadd ${SHELLS.join(" ")}; return ;;
    esac
  fi
  case "$words[2] $words[3]" in
${cases.filter((_c, i) => (entries()[i]?.words.length ?? 0) === 2).join("\n")}
  esac
  case "$words[2]" in
${cases.filter((_c, i) => (entries()[i]?.words.length ?? 0) === 1).join("\n")}
  esac
}
compdef _waybill waybill
`;
}

const quoteFish = (text: string): string => text.replace(/\\/g, "\\\\").replace(/'/g, "\\'");

function fishScript(): string {
  const lines = ["# fish completion for waybill"];
  for (const word of firstWords()) {
    const summary = entries().find((e) => e.words.length === 1 && e.words[0] === word)?.summary ?? word;
    lines.push(`complete -c waybill -n __fish_use_subcommand -a ${word} -d '${quoteFish(summary)}'`);
  }
  lines.push(`complete -c waybill -n '__fish_seen_subcommand_from completion' -f -a '${SHELLS.join(" ")}'`);
  for (const { words, summary, flags } of entries()) {
    const [first = "", second] = words;
    const seen = `__fish_seen_subcommand_from ${first}`;
    if (second !== undefined) {
      const others = secondWords(first).join(" ");
      const condition = `${seen}; and not __fish_seen_subcommand_from ${others}`;
      lines.push(`complete -c waybill -n '${condition}' -f -a ${second} -d '${quoteFish(summary)}'`);
    }
    const condition = second === undefined ? seen : `${seen}; and __fish_seen_subcommand_from ${second}`;
    for (const { flag, description, takesValue } of flags) {
      const value = takesValue ? " -r" : "";
      lines.push(`complete -c waybill -n '${condition}' -l ${flag.slice(2)}${value} -d '${quoteFish(description)}'`);
    }
  }
  return `${lines.join("\n")}\n`;
}
