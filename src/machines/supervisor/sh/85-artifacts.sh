# ---- bringing home: log and artifacts of an attempt, for a client without eyes here (machines/ssh/collect-over-ssh.ts)

# log FROM: the size of the log on a line, then its bytes from FROM up to that size. 1: there is none.
log() {
  [ -f "$wb_dir/log" ] || exit 1
  wb_size=$(($(wc -c <"$wb_dir/log")))
  echo $wb_size
  [ "$1" -ge $wb_size ] || tail -c "+$(($1 + 1))" "$wb_dir/log" | head -c $((wb_size - $1))
}

# tail_offset LINES: the byte at which the last so many lines begin. 1: there is no log.
tail_offset() {
  [ -f "$wb_dir/log" ] || exit 1
  wb_round=0
  while :; do
    wb_size=$(($(wc -c <"$wb_dir/log")))
    # A log that grows too fast to be measured twice alike is read as far as it was, which reads all of it.
    if [ $wb_round -ge 5 ]; then
      wb_part=$(head -c $wb_size "$wb_dir/log" | tail -n "$1" | wc -c)
      break
    fi
    wb_part=$(tail -n "$1" "$wb_dir/log" | wc -c)
    [ $(($(wc -c <"$wb_dir/log"))) != $wb_size ] || break
    wb_round=$((wb_round + 1))
  done
  echo $((wb_size - wb_part))
}

# growth: the notes of how far the log had grown when. 1: there are none.
growth() { [ -f "$wb_dir/log.times" ] && cat "$wb_dir/log.times" || exit 1; }

# artifacts: a line "sealed" or "unsealed", the list of hashes (taken now of what was not sealed), an empty line, and the rest.
# Entries come in batches: a line COUNT, COUNT lines "MODE SIZE" (the mode in hexadecimal), COUNT names that end in NUL; a
# batch of 0 is the last. Then the links: name, NUL, target, newline, NUL. 1: there is no folder; 3: it is something else.
artifacts() {
  [ -e "$wb_dir/artifacts" ] || [ -L "$wb_dir/artifacts" ] || exit 1
  [ -d "$wb_dir/artifacts" ] && [ ! -L "$wb_dir/artifacts" ] && cd "$wb_dir/artifacts" || exit 3
  # An exit record that is a link has no room for the hash of the list.
  if [ -f "$wb_dir/exit" ] && [ ! -L "$wb_dir/exit" ]; then
    echo sealed
    cat "$wb_dir/artifacts.manifest" 2>/dev/null
  else
    echo unsealed
    hash_files
  fi
  echo
  if stat -c %f . >/dev/null 2>&1; then set -- -c '%f %s'; else set -- -f '%Xp %z'; fi
  LC_ALL=C
  export LC_ALL
  find . -exec sh -c 'wb_flag=$1 wb_format=$2
    shift 2
    echo $#
    stat "$wb_flag" "$wb_format" "$@" || exit 1
    printf "%s\0" "$@"' sh "$1" "$2" {} + || exit 4
  echo 0
  find . -type l -exec sh -c 'for wb_link do printf "%s\0" "$wb_link"; readlink "$wb_link" || exit 1; printf "\0"; done' sh {} + || exit 4
}

# send_artifacts FROM: the contents, one after another, of the files whose names come on standard input, each ended by NUL.
# FROM is the byte at which to begin, and for more than 0 there is but one file.
send_artifacts() {
  cd "$wb_dir/artifacts" || exit 1
  if [ "$1" = 0 ]; then xargs -0 cat; else xargs -0 -n 1 tail -c "+$(($1 + 1))"; fi
}
