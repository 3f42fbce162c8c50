# ---- upkeep: what a machine has, what it keeps, and removing what nobody needs any more

fact() { printf '%s\t%s\n' "$1" "$2"; }

# check TOOL...: what this machine has, as lines of "NAME<TAB>VALUE"; no value means none.
check() {
  wb_missing=
  for wb_tool in "$@"; do command -v "$wb_tool" >/dev/null 2>&1 || wb_missing="$wb_missing $wb_tool"; done
  fact missing "${wb_missing# }"
  fact system "$(uname -s 2>/dev/null)"
  fact shell "$(name_shell)"
  fact session "$(command -v setsid || command -v perl)"
  fact hasher "$(command -v sha256sum || command -v shasum || command -v openssl)"
  wb_line=
  command -v tar >/dev/null 2>&1 && wb_line=$(tar --version 2>&1 </dev/null | { IFS= read -r wb_line; echo "$wb_line"; })
  fact tar "$wb_line"
  fact zstd "$(command -v zstd)"
  fact openssh "$(ssh -V 2>&1 </dev/null | { IFS= read -r wb_line; case $wb_line in OpenSSH*) echo "${wb_line%%,*}" ;; esac; })"
  fact free_kib "$(free_kib)"
  wb_probe=$wb_prefix/.probe.$$
  if wb_error=$({ mkdir "$wb_probe" && rmdir "$wb_probe"; } 2>&1); then fact unwritable ""; else fact unwritable "${wb_error:-not writable}"; fi
  fact directory "$wb_prefix"
}

name_shell() {
  [ -z "${BASH_VERSION:-}" ] || { echo "bash $BASH_VERSION"; return; }
  [ -z "${KSH_VERSION:-}" ] || { echo "$KSH_VERSION"; return; }
  wb_sh=$(command -v sh)
  wb_real=$(readlink -f "$wb_sh" 2>/dev/null)
  wb_real=${wb_real:-$wb_sh}
  echo "${wb_real##*/}"
}

# The field before the percentage: a file system's name may hold spaces (POSIX.1-2017, df -P).
free_kib() {
  df -Pk "$wb_prefix" 2>/dev/null | {
    read -r wb_line
    read -r wb_line
    for wb_word in $wb_line; do
      case $wb_word in *%) echo "$wb_last"; break ;; esac
      wb_last=$wb_word
    done
  }
}

# clock: the time of day in epoch milliseconds, for a client that compares it with its own.
clock() { time_of_day; }

# Becomes the command that prints "SECONDS PATH" for each of "$@": when it was last changed. Nothing where no tool can tell.
print_times() {
  if stat -c %Y / >/dev/null 2>&1; then stat -c '%Y %n' -- "$@"
  elif stat -f %m / >/dev/null 2>&1; then stat -f '%m %N' -- "$@"
  elif command -v perl >/dev/null 2>&1; then perl -e 'for (@ARGV) { my @s = lstat; print "$s[9] $_\n" if @s }' -- "$@"
  fi 2>/dev/null
}

# stock: everything that gc knows to remove. Sections "@ FOLDER sizes|times|live" of lines "KIB<TAB>./NAME", "SECONDS ./NAME"
# and "NAME".
stock() {
  for wb_folder in runs trees bin; do
    cd "$wb_prefix/$wb_folder" 2>/dev/null || continue
    echo "@ $wb_folder sizes"
    find . ! -name . -prune -exec du -sk {} + 2>/dev/null
    echo "@ $wb_folder times"
    # A hundred at a time: the function that knows how cannot be called by find.
    set --
    for wb_item in ./* ./.[!.]*; do
      [ -e "$wb_item" ] || [ -L "$wb_item" ] || continue
      set -- "$@" "$wb_item"
      [ $# -lt 100 ] || { print_times "$@"; set --; }
    done
    [ $# = 0 ] || print_times "$@"
    echo "@ $wb_folder live"
    case $wb_folder in
    runs) list_states ;;
    bin) list_supervisors ;;
    esac
  done
}

# Attempts that are going on, and those that may still begin, with the word for it.
list_states() {
  for wb_item in *; do
    [ -d "$wb_item" ] || continue
    judge_attempt "$wb_item"
    case $wb_said in running | starting | prepared | busy) echo "$wb_said $wb_item" ;; esac
  done
}

# Versions of this script that some process runs: this one, and those of older runs.
list_supervisors() {
  echo "running ${0##*/}"
  { ps -A -o args 2>/dev/null || ps -o args 2>/dev/null; } | while IFS= read -r wb_line; do
    case $wb_line in *"$wb_prefix/bin/supervisor-"*) ;; *) continue ;; esac
    wb_line=${wb_line#*"$wb_prefix/bin/"}
    echo "running ${wb_line%% *}"
  done
}

# gc: removes what standard input names, as lines of "KIND<TAB>SECONDS<TAB>NAME", unless it was used since or lives; tells
# each that has gone as "KIND<TAB>NAME".
gc() {
  wb_tab=$(printf '\t')
  wb_count=0
  while IFS=$wb_tab read -r wb_kind wb_then wb_name; do
    case $wb_name in '' | . | .. | *[!A-Za-z0-9._-]*) continue ;; esac
    case $wb_kind in
    run) wb_folder=runs ;;
    tree | upload) wb_folder=trees ;;
    supervisor) wb_folder=bin ;;
    *) continue ;;
    esac
    cd "$wb_prefix/$wb_folder" 2>/dev/null && [ -e "./$wb_name" ] || continue
    [ "$(last_used "$wb_name")" = "$wb_then" ] || continue
    [ "$wb_kind" != run ] || is_over "$wb_name" || continue
    wb_count=$((wb_count + 1))
    remove_whole "./$wb_name" && fact "$wb_kind" "$wb_name"
  done
}

# Seconds; of a tree those of its marker when that is younger.
last_used() {
  wb_used=$(print_times "./$1")
  wb_used=${wb_used%% *}
  if [ "$wb_kind" = tree ] && [ -e "./.used.$1" ]; then
    wb_marked=$(print_times "./.used.$1")
    wb_marked=${wb_marked%% *}
    [ "${wb_marked:-0}" -le "${wb_used:-0}" ] || wb_used=$wb_marked
  fi
  echo "$wb_used"
}

# Whether attempt $1 has ended or can be kept from beginning: whoever would begin it must claim it first.
is_over() {
  judge_attempt "$1"
  case $wb_said in
  running | starting) return 1 ;;
  prepared | busy) ln -s "$wb_boot|0|gc" "./$1/claim" 2>/dev/null ;;
  esac
}

# Takes the name away first, so that nobody finds half of it; what a cut leaves is found as an upload that did not arrive.
remove_whole() {
  mkdir -p "$wb_prefix/trees" 2>/dev/null
  wb_doomed=$wb_prefix/trees/.tmp.gc.$$.$wb_count
  mv "$1" "$wb_doomed" 2>/dev/null || return 1
  [ "$wb_kind" != tree ] || rm -f "./.used.$wb_name"
  rm -rf "$wb_doomed" 2>/dev/null && return 0
  # Directories may have arrived without the right to write into them.
  chmod -R u+rwx "$wb_doomed" 2>/dev/null
  rm -rf "$wb_doomed" 2>/dev/null
}
