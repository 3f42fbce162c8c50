# ---- observing: what the records of an attempt say now, for a client without eyes here

# Sets wb_said to the word for the state of attempt $1 ("RUN.ATTEMPT"), and wb_proof or wb_holder where there is more to say.
# The judgement is that of a client on this host (machines/local/observe-attempt.ts).
judge_attempt() {
  wb_at=$wb_prefix/runs/$1 wb_proof= wb_holder=
  has_exit && return
  if read_start "$1"; then
    wb_said=running
    start_lives && return
    wb_born=$wb_r_boot
  else
    wb_owner=$(readlink "$wb_at/claim" 2>/dev/null) || { judge_unclaimed; return; }
    wb_born=${wb_owner%%"|"*}
    wb_rest=${wb_owner#*"|"}
    wb_said=starting
    is_alive "$wb_born" "${wb_rest%%"|"*}" "${wb_rest#*"|"}" && return
  fi
  # Whoever wrote a record did so before dying, so the files are looked at once more.
  has_exit && return
  if read_start "$1" && start_lives; then wb_said=running; return; fi
  [ -n "$wb_record" ] || [ -L "$wb_at/claim" ] || { judge_unclaimed; return; }
  wb_said=lost
  if [ "$wb_born" = "$wb_boot" ]; then wb_proof=supervisor_died; else wb_proof=rebooted; fi
}

# Whether the attempt's last record is there and whole: power loss can leave a torn one, which is none. Sets wb_exit_line.
has_exit() {
  wb_exit_line=
  if [ -L "$wb_at/exit" ]; then wb_exit_line=$(readlink "$wb_at/exit")
  elif [ -f "$wb_at/exit" ]; then
    IFS= read -r wb_exit_line <"$wb_at/exit"
    case $wb_exit_line in '{'*'"ended":'*'}'*) ;; *) return 1 ;; esac
  fi
  [ -n "$wb_exit_line" ] && wb_said=exit
}

judge_unclaimed() {
  if wb_holder=$(readlink "$wb_at/busy" 2>/dev/null); then wb_said=busy
  elif [ -e "$wb_at" ]; then wb_said=prepared
  else wb_said=absent; fi
}

start_lives() { is_alive "$wb_r_boot" "$wb_r_sup" "$wb_r_sup_start" || is_alive "$wb_r_boot" "$wb_r_dog" "$wb_r_dog_start"; }

# Prints what is known of attempt $1 as lines of "WORD VALUE", the last of them a dot.
tell_attempt() {
  wb_start_line= wb_size=
  [ -f "$wb_at/start" ] && IFS= read -r wb_start_line <"$wb_at/start"
  [ -f "$wb_at/log" ] && wb_size=$(wc -c <"$wb_at/log" 2>/dev/null)
  echo "attempt $1"
  echo "state $wb_said"
  echo "size $((wb_size + 0))"
  [ -z "$wb_holder" ] || echo "holder $wb_holder"
  [ -z "$wb_proof" ] || echo "proof $wb_proof"
  [ -z "$wb_start_line" ] || printf 'start %s\n' "$wb_start_line"
  [ -z "$wb_exit_line" ] || printf 'exit %s\n' "$wb_exit_line"
  [ "$wb_said" != exit ] || has_artifacts || echo "artifacts none"
  echo .
}

# Whether there is anything under the name of the artifacts' folder but an empty folder.
has_artifacts() {
  [ -d "$wb_at/artifacts" ] && [ ! -L "$wb_at/artifacts" ] || { [ -e "$wb_at/artifacts" ] || [ -L "$wb_at/artifacts" ]; return; }
  for wb_item in "$wb_at"/artifacts/* "$wb_at"/artifacts/.[!.]* "$wb_at"/artifacts/..?*; do
    [ ! -e "$wb_item" ] && [ ! -L "$wb_item" ] || return 0
  done
  return 1
}

# observe [+]RUN.ATTEMPT...: each as it stands. A plus says that the one who asks drives the attempt: that is contact.
observe() {
  for wb_key in "$@"; do
    touch_contact "$wb_key"
    wb_key=${wb_key#+}
    judge_attempt "$wb_key"
    tell_attempt "$wb_key"
  done
}

# await [+]RUN.ATTEMPT...: each once it has settled, then leaves. A line on standard input is a sign of life of whoever waits; its
# end, or that of the connection, ends this.
await() {
  exec 3<&0
  wb_all="$*"
  { while IFS= read -r wb_line; do for wb_key in $wb_all; do touch_contact "$wb_key"; done; done; kill -TERM $$ 2>/dev/null; } <&3 &
  wb_listener=$!
  trap 'kill $wb_listener 2>/dev/null; exit 0' TERM HUP
  for wb_key in $wb_all; do touch_contact "$wb_key"; done
  set --
  for wb_key in $wb_all; do set -- "$@" "${wb_key#+}"; done
  wb_turn=0
  while [ $# -gt 0 ]; do
    wb_left=
    for wb_key in "$@"; do
      # Between full looks only the record itself is asked for, which forks nothing.
      if [ $((wb_turn % 10)) = 0 ] || [ -e "$wb_prefix/runs/$wb_key/exit" ]; then judge_attempt "$wb_key"; else wb_said=running; fi
      case $wb_said in
      running | starting) wb_left="$wb_left $wb_key" ;;
      *) tell_attempt "$wb_key" ;;
      esac
    done
    set -- $wb_left
    [ $# = 0 ] && break
    wb_turn=$((wb_turn + 1))
    if [ $wb_turn -lt 40 ]; then pause 0.05; else pause 0.2; fi
  done
  kill $wb_listener 2>/dev/null
}

# An attempt that must not go on without its driver looks at when this was last touched (60-watchdog.sh).
touch_contact() {
  case $1 in +*) ;; *) return 0 ;; esac
  [ ! -e "$wb_prefix/runs/${1#+}/contact" ] || touch "$wb_prefix/runs/${1#+}/contact" 2>/dev/null
}

# follow FROM: the log of the attempt from that byte, as it grows, until standard input ends.
follow() {
  exec 3<&0
  [ -f "$wb_dir/log" ] || exit 1
  if tail --version 2>/dev/null | grep -q GNU || [ "$(uname)" = Darwin ]; then
    tail -c "+$(($1 + 1))" -f "$wb_dir/log" 2>/dev/null &
  else
    print_growth "$1" &
  fi
  wb_printer=$!
  cat <&3 >/dev/null
  kill $wb_printer 2>/dev/null
}

# Where `tail -f` looks but once a second (busybox).
print_growth() {
  wb_told=$1
  while :; do
    wb_size=$(($(wc -c <"$wb_dir/log")))
    if [ "$wb_size" -gt "$wb_told" ]; then
      tail -c "+$((wb_told + 1))" "$wb_dir/log" | head -c $((wb_size - wb_told)) || exit 1
      wb_told=$wb_size
    else
      pause 0.1
    fi
  done
}
