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

/** The words that may follow those of a group. */
const wordsAfter = (group: string): string[] => {
  const before = group.split(" ");
  const inGroup = entries().filter(({ words }) => before.every((word, index) => words[index] === word));
  return [...new Set(inGroup.flatMap(({ words }) => words[before.length] ?? []))];
};

/** What other words may follow: one word, as `tasks`, or two, as `tasks dispatch`. */
const groups = (length: 1 | 2): string[] => [
  ...new Set(entries().flatMap(({ words }) => (words.length > length ? [words.slice(0, length).join(" ")] : []))),
];

/** A command, or a group of them, in words. */
const summaryOf = (name: string): string => entries().find((e) => e.words.join(" ") === name)?.summary ?? name;

/** How many words a command has at most. */
const LENGTHS = [3, 2, 1] as const;

const namesOf = (prefix: string, count: number): string =>
  `"${Array.from({ length: count }, (_one, index) => `$${prefix}${index + 1}`).join(" ")}"`;

function bashScript(): string {
  const flagsOf = (e: Entry): string => [...e.flags.map((f) => f.flag), ...GLOBAL_FLAGS].join(" ");
  const cases = LENGTHS.flatMap((length) => [
    `  [[ -n $flags ]] || case ${namesOf("w", length)} in`,
    ...entries().flatMap((e) =>
      e.words.length === length ? [`    "${e.words.join(" ")}") flags="${flagsOf(e)}" ;;`] : [],
    ),
    "  esac",
  ]);
  const after = ([1, 2] as const).flatMap((length) => [
    `  elif [[ $COMP_CWORD -eq ${length + 1} ]]; then`,
    `    case ${namesOf("w", length)} in`,
    ...groups(length).map((group) => `      "${group}") words="${wordsAfter(group).join(" ")}" ;;`),
    ...(length === 1 ? [`      completion) words="${SHELLS.join(" ")}" ;;`] : []),
    "    esac",
  ]);
  return `# bash completion for waybill
_waybill() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" w1="\${COMP_WORDS[1]}" w2="\${COMP_WORDS[2]}" w3="\${COMP_WORDS[3]}" words="" flags=""
  COMPREPLY=()
${cases.join("\n")}
  if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W "$flags" -- "$cur")); return; fi
  if [[ $COMP_CWORD -eq 1 ]]; then
    words="${firstWords().join(" ")}"
${after.join("\n")}
  fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
  if [[ \${#COMPREPLY[@]} -eq 0 ]]; then COMPREPLY=($(compgen -f -- "$cur")); fi
}
complete -o filenames -F _waybill waybill
`;
}

const quoteZsh = (text: string): string => text.replace(/'/g, "'\\''").replace(/([[\]:])/g, "\\$1");

/** `$words[2] $words[3]`: the first word of the line is the program. */
const zshWords = (count: number): string =>
  `"${Array.from({ length: count }, (_one, index) => `$words[${index + 2}]`).join(" ")}"`;

function zshScript(): string {
  const describe = (words: readonly string[], group = ""): string =>
    words.map((word) => `'${word}:${quoteZsh(summaryOf(`${group} ${word}`.trim()))}'`).join(" ");
  const flagsOf = (e: Entry) =>
    e.flags.map((f) => `'${f.flag}[${quoteZsh(f.description)}]${f.takesValue ? ":value:_files" : ""}'`).join(" ");
  const after = ([1, 2] as const).map((length) => {
    const lines = groups(length).map(
      (group) =>
        `      "${group}") local -a sub=(${describe(wordsAfter(group), group)}); _describe command sub; return ;;`,
    );
    if (length === 1) lines.push(`      completion) compadd ${SHELLS.join(" ")}; return ;;`);
    return `  if (( CURRENT == ${length + 2} )); then\n    case ${zshWords(length)} in\n${lines.join("\n")}\n    esac\n  fi`;
  });
  const cases = LENGTHS.map((length) => {
    const lines = entries().flatMap((e) =>
      e.words.length === length
        ? [`    "${e.words.join(" ")}") _arguments ${flagsOf(e)} '--json' '*:file:_files'; return ;;`]
        : [],
    );
    return `  case ${zshWords(length)} in\n${lines.join("\n")}\n  esac`;
  });
  return `#compdef waybill
_waybill() {
  local -a top=(${describe(firstWords())})
  if (( CURRENT == 2 )); then _describe command top; return; fi
${after.join("\n")}
${cases.join("\n")}
}
compdef _waybill waybill
`;
}

const quoteFish = (text: string): string => text.replace(/\\/g, "\\\\").replace(/'/g, "\\'");

/** Holds where all of the words stand on the line. */
const fishSeen = (words: readonly string[]): string =>
  words.map((word) => `__fish_seen_subcommand_from ${word}`).join("; and ");

function fishScript(): string {
  const lines = ["# fish completion for waybill"];
  for (const word of firstWords()) {
    lines.push(`complete -c waybill -n __fish_use_subcommand -a ${word} -d '${quoteFish(summaryOf(word))}'`);
  }
  lines.push(`complete -c waybill -n '__fish_seen_subcommand_from completion' -f -a '${SHELLS.join(" ")}'`);
  for (const group of [...groups(1), ...groups(2)]) {
    const words = wordsAfter(group);
    const condition = `${fishSeen(group.split(" "))}; and not __fish_seen_subcommand_from ${words.join(" ")}`;
    for (const word of words) {
      const summary = quoteFish(summaryOf(`${group} ${word}`));
      lines.push(`complete -c waybill -n '${condition}' -f -a ${word} -d '${summary}'`);
    }
  }
  for (const { words, flags } of entries()) {
    for (const { flag, description, takesValue } of flags) {
      const value = takesValue ? " -r" : "";
      lines.push(
        `complete -c waybill -n '${fishSeen(words)}' -l ${flag.slice(2)}${value} -d '${quoteFish(description)}'`,
      );
    }
  }
  return `${lines.join("\n")}\n`;
}
