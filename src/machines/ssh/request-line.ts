/**
 * The one line that a machine's shell evaluates for a request. Everything that comes from elsewhere is quoted here, once.
 *
 * The line travels on standard input, so neither arguments nor values can be seen in a list of processes, and no limit of
 * a command line applies.
 */

/** What the login shell is asked to do, whichever shell it is: no quote, backslash or `!` inside the quotes (csh, fish). */
export const BOOTSTRAP = `exec sh -c 'IFS= read -r wb_l; eval "$wb_l"'`;

/** The status by which the line says that this version of the supervisor is not installed there. */
export const NOT_INSTALLED = 197;

/** Shells keep these for themselves: they can be given to a program by `env`, and hold no secrets. */
const SHELL_OWNED = new Set(["UID", "EUID", "PPID", "BASHOPTS", "SHELLOPTS", "BASH_VERSINFO", "_"]);
/** The line's own variables begin with this, as the supervisor's do: no program's are likely to. */
const OWN = /^wb_/;
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

export interface RequestLine {
  /** Frames the answer; 32 hexadecimal digits that nobody can guess. */
  readonly nonce: string;
  /** Work directory as in the inventory: absolute, or `~/…` for the remote user's home. */
  readonly workDir: string;
  readonly supervisorHash: string;
  readonly verb: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** `text` as one word for a POSIX shell, on one line: a newline is written as the variable `wb_n`. */
export function quoteWord(text: string): string {
  return `'${text.replaceAll("'", `'\\''`).replaceAll("\n", `'"$wb_n"'`)}'`;
}

/** The work directory as a word; `~` is the home of whoever logs in, which only that machine knows. */
export function quoteWorkDir(workDir: string): string {
  if (workDir === "~") return '"$HOME"';
  return workDir.startsWith("~/") ? `"$HOME"/${quoteWord(workDir.slice(2))}` : quoteWord(workDir);
}

const settings = (nonce: string, workDir: string, hash: string): string =>
  `wb_n=$(printf '\\nx');wb_n=\${wb_n%x};cd /;printf '%s\\n' ${nonce};wb_p=${quoteWorkDir(workDir)};wb_s="$wb_p"/bin/supervisor-${hash}.sh`;

const trailer = (nonce: string): string => `printf '%s %s\\n' ${nonce} "$wb_e"\n`;

/** The line that carries out a verb of the installed supervisor. */
export function verbLine({ nonce, workDir, supervisorHash, verb, args, env }: RequestLine): string {
  const words = args.map(quoteWord).join(" ");
  // The program's PATH need not lead to a shell, nor to `env`.
  const find = "wb_b=$(command -v sh);wb_v=$(command -v env);";
  const call = `${environmentOf(env)}"$wb_b" "$wb_s" ${verb} "$wb_p" ${words}`;
  const begin = settings(nonce, workDir, supervisorHash);
  return `${begin};if [ -r "$wb_s" ];then ${find}(${call});wb_e=$?;else wb_e=${NOT_INSTALLED};fi;${trailer(nonce)}`;
}

/**
 * The line that installs the supervisor from standard input: written aside, its hash compared, then renamed. Answers 0
 * (installed), 1 (cannot be written), 2 (arrived damaged, or nothing there computes SHA-256).
 */
export function installLine(nonce: string, workDir: string, hash: string): string {
  const begin = settings(nonce, workDir, hash);
  // Not by name: of a path with a backslash in it sha256sum writes the hash in another way.
  const sum = '{ sha256sum <"$wb_t" || shasum -a 256 <"$wb_t" || openssl dgst -sha256 -r <"$wb_t"; } 2>/dev/null';
  // Whatever ends it, a full disk or a cut, it leaves no half behind.
  const tidy = `wb_t="$wb_s".$$;trap 'rm -f "$wb_t"' EXIT;trap 'exit 1' HUP INT TERM`;
  const install = `umask 077;${tidy};mkdir -p "$wb_p"/bin&&cat >"$wb_t"||exit 1;wb_h=$(${sum});case $wb_h in ${hash}*);;*) exit 2;;esac;mv -f "$wb_t" "$wb_s"||exit 1`;
  return `${begin};(${install}) 2>&1;wb_e=$?;${trailer(nonce)}`;
}

function environmentOf(env: Readonly<Record<string, string>>): string {
  const entries = Object.entries(env);
  const own = ([name]: readonly [string, string]): boolean =>
    NAME.test(name) && !SHELL_OWNED.has(name) && !OWN.test(name);
  const exported = entries.filter(own).map(([name, value]) => `${name}=${quoteWord(value)}`);
  const foreign = entries.filter((entry) => !own(entry)).map(([name, value]) => quoteWord(`${name}=${value}`));
  const before = exported.length === 0 ? "" : `export ${exported.join(" ")};`;
  return foreign.length === 0 ? `${before}exec ` : `${before}exec "$wb_v" ${foreign.join(" ")} `;
}
