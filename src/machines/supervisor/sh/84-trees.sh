# ---- trees: copies of submitted directories, which get their names once what arrived is proven (machines/ssh/upload-tree.ts)

# find_tree HASH: 0 when the tree is there. 1: it is not; prints what decides how it is sent: the lines "free_kib", "tar" and
# "zstd" with their values, then "tree NAME" for each of the newest. 2: there can be no trees; prints why.
find_tree() {
  if [ -d "$wb_prefix/trees/$1" ] && survived "$1"; then
    true 2>/dev/null >"$wb_prefix/trees/.used.$1"
    return 0
  fi
  [ -d "$wb_prefix/trees" ] || mkdir -p "$wb_prefix/trees" 2>&1 || exit 2
  fact free_kib "$(free_kib)"
  fact tar "$(command -v tar)"
  fact zstd "$(command -v zstd)"
  cd "$wb_prefix/trees" && ls -t 2>/dev/null | head -n 8 | while IFS= read -r wb_name; do fact tree "$wb_name"; done
  exit 1
}

# Whether tree $1 is whole. One that was placed in another boot and had not reached the disk by its end is taken away.
survived() {
  wb_mark=$wb_prefix/trees/.unsynced.$1
  [ -L "$wb_mark" ] || return 0
  wb_placed=$(readlink "$wb_mark")
  [ -n "$wb_placed" ] && [ "$wb_placed" != "$wb_boot" ] || return 0
  wb_doomed=$wb_prefix/trees/.tmp.torn.$$
  mv "$wb_prefix/trees/$1" "$wb_doomed" 2>/dev/null && rm -f "$wb_mark"
  rm -rf "$wb_doomed"
  return 1
}

# take_tree HASH CODEC BASE COUNTS DIGESTS [GONE...]: makes the tree of the archive on standard input, on top of a copy of the
# tree BASE (or `none`) without its paths GONE. COUNTS is "directories links files executables", DIGESTS are those that the
# sorted list of hashes may have. 5: cannot be written; 6: BASE is of no use; 7: cannot be unpacked; 8: damaged. Prints why.
take_tree() {
  wb_hash=$1 wb_codec=$2 wb_base=$3 wb_counts=$4 wb_digests=$5
  shift 5
  wb_trees=$wb_prefix/trees
  sweep_uploads
  look_at $$
  wb_new=$wb_trees/.tmp.$$.$(time_of_day)
  trap 'rm -rf "$wb_new"' EXIT
  # Who would be told may have gone, and telling must not end this before it has cleared away.
  trap 'exit 5' HUP INT TERM PIPE
  mkdir "$wb_new" 2>&1 && ln -s "$wb_boot|$$|$wb_start" "$wb_new/owner" 2>&1 || exit 5
  [ "$wb_base" = none ] || copy_base "$@" || exit 6
  wb_error=$(unpack 2>&1) || { printf '%s\n' "$wb_error"; exit 7; }
  [ ! -e "$wb_new/cut" ] || { echo "the compressed stream is cut: $wb_error"; exit 7; }
  cd "$wb_new/$wb_hash" 2>&1 || exit 8
  prove_tree || exit 8
  cd /
  place_tree 2>&1 || exit 5
}

# Removes what uploads left whose process is gone.
sweep_uploads() {
  for wb_item in "$wb_trees"/.tmp.*; do
    [ -L "$wb_item/owner" ] || continue
    wb_owner=$(readlink "$wb_item/owner") && [ -n "$wb_owner" ] || continue
    wb_rest=${wb_owner#*"|"}
    is_alive "${wb_owner%%"|"*}" "${wb_rest%%"|"*}" "${wb_rest#*"|"}" || rm -rf "$wb_item"
  done
}

# Trees never change, so their files are linked where that can be done. What changes is removed before anything is unpacked,
# so that nothing is ever written through a link.
copy_base() {
  [ -d "$wb_trees/$wb_base" ] || return 1
  if ! cp -R -P -l "$wb_trees/$wb_base" "$wb_new/$wb_hash" 2>/dev/null; then
    rm -rf "$wb_new/$wb_hash"
    cp -R -P "$wb_trees/$wb_base" "$wb_new/$wb_hash" 2>&1 || return 1
  fi
  [ $# != 0 ] || return 0
  cd "$wb_new/$wb_hash" && rm -rf -- "$@" 2>&1
  wb_removed=$?
  cd /
  return $wb_removed
}

# An archive is read to its end, also where tar stops at its last entry: who writes it must not find the pipe closed.
unpack() {
  if [ "$wb_codec" = zstd ]; then
    { zstd -d -c -q || true >"$wb_new/cut"; } | untar
  else
    untar
  fi
}

# GNU tar takes escapes in the argument of -C for what they stand for, so it is started where it is to write.
untar() { (cd "$wb_new" && exec tar -x -o -f -) && cat >/dev/null; }

# Whether the working directory holds exactly what was announced: entries by kind, and every file's content.
prove_tree() {
  wb_found="$(count_entries -type d) $(count_entries -type l) $(count_entries -type f) $(count_entries -type f -perm -100)"
  [ "$wb_found" = "$wb_counts" ] || { echo "directories, links, files, executables: found $wb_found, expected $wb_counts"; return 1; }
  wb_found=$(hash_tree | LC_ALL=C sed 's/^\(\\\{0,1\}[0-9a-f]\{64\}\) [ *]/\1  /' | LC_ALL=C sort | sha256)
  case " $wb_digests " in
  *" ${wb_found%% *} "*) ;;
  *) echo "the list of hashes has the hash ${wb_found%% *}, expected one of $wb_digests"; return 1 ;;
  esac
}

# Lists the hash of every file. openssl comes first: it uses what the processor has for this, which makes it some four times as
# fast as the other tools, and the list that it gives of awkward names is one that is expected.
hash_tree() {
  if command -v openssl >/dev/null 2>&1; then find . -type f -exec openssl dgst -sha256 -r {} +; else hash_files; fi
}

# Names may hold newlines, but a double slash is only where the search began.
count_entries() { find .//. "$@" | LC_ALL=C grep -c //; }

# Gives the tree its name. To lose a race for it is to find the same tree there: mv does not replace a directory that holds
# something. Until all has reached the disk a mark says in which boot it was placed (see survived), and nobody waits for that.
place_tree() {
  ln -s "$wb_boot" "$wb_trees/.unsynced.$wb_hash" 2>/dev/null
  wb_error=$(mv "$wb_new/$wb_hash" "$wb_trees/" 2>&1)
  [ -d "$wb_trees/$wb_hash" ] || { printf '%s\n' "$wb_error"; return 1; }
  true 2>/dev/null >"$wb_trees/.used.$wb_hash"
  ({ sync -f "$wb_trees" 2>/dev/null || sync; } && rm -f "$wb_trees/.unsynced.$wb_hash") </dev/null >/dev/null 2>&1 &
}
