# ---- what a client without eyes here asks for (machines/ssh): start, cancel, signal, forget

# start REQUEST INPUT supervise|execute ARG...: starts the attempt in a session of its own unless it was started before, waits
# until something is recorded, and tells it. INPUT is `fed` when standard input is the program's, else `none`.
start() {
  wb_request=$1 wb_input=$2
  shift 2
  wb_key=$wb_run.$wb_attempt
  judge_attempt "$wb_key"
  case $wb_said in running | exit | lost) tell_attempt "$wb_key"; return ;; esac
  mkdir -p "$wb_dir" 2>&1 || exit 5
  [ -e "$wb_dir/request" ] || printf '%s\n' "$wb_request" 2>/dev/null >"$wb_dir/request"
  wb_mode=$1
  shift
  wb_source=/dev/null
  if [ "$wb_input" = fed ]; then
    wb_source=$wb_dir/input
    [ -p "$wb_source" ] || mkfifo "$wb_source" 2>&1 || exit 5
  fi
  exec 3<&0
  detach "$wb_mode" "$wb_prefix" "$wb_run" "$wb_attempt" "$wb_fence" "$@"
  [ "$wb_input" = none ] || { cat <&3 >"$wb_source" & }
  exec 3<&-
  see_it_begin || exit 5
  tell_attempt "$wb_key"
  # The connection is the program's input for as long as it reads.
  [ "$wb_input" = none ] || { exec >/dev/null; wait; }
}

# Starts the supervisor with arguments "$@" in a session of its own, away from the connection, with the umask and the PATH that
# were inherited. Where nothing can make a session it starts all the same, and records that.
detach() {
  wb_sh=$(command -v sh) wb_setsid=$(command -v setsid)
  wb_errors=$wb_dir/supervisor.log
  true 2>/dev/null >>"$wb_errors" || wb_errors=/dev/null
  (
    exec 3<&-
    if [ -n "$wb_setsid" ]; then set -- "$wb_setsid" "$wb_sh" "$0" "$@"
    elif wb_perl=$(command -v perl); then set -- "$wb_perl" -e 'use POSIX (); POSIX::setsid(); exec { $ARGV[0] } @ARGV' "$wb_sh" "$0" "$@"
    else set -- "$wb_sh" "$0" "$@"; fi
    umask "$wb_umask"
    [ -z "$wb_path" ] || PATH=$wb_path
    exec "$@" <"$wb_source" >>"$wb_errors" 2>&1
  ) </dev/null >/dev/null 2>&1 &
  wb_child=$!
}

# Waits until the attempt has a record of its own, or the supervisor has left without one (then it fails, and says why).
see_it_begin() {
  while :; do
    # Looked at before the records: what it wrote before it left is seen.
    wb_gone=
    look_at "$wb_child" || wb_gone=1
    case $wb_state in Z* | X*) wb_gone=1 ;; esac
    judge_attempt "$wb_key"
    case $wb_said in running | exit | lost) return 0 ;; esac
    if [ -n "$wb_gone" ] && [ "$wb_said" != starting ]; then
      [ "$wb_said" = busy ] && return 0
      wait "$wb_child"
      echo "left with code $?"
      tail -n 5 "$wb_dir/supervisor.log" 2>/dev/null
      return 1
    fi
    pause 0.02
  done
}

# cancel MANNER: asks the supervisor to end the attempt; whoever asks first says how ("SIGNAL GRACE", or nothing).
cancel() {
  mkdir -p "$wb_dir" 2>/dev/null
  wb_fresh=$wb_dir/.cancel.$$
  # A full disk has room for a name if not for the manner, and the end matters more.
  if [ -n "$1" ]; then printf '%s\n' "$1"; fi 2>/dev/null >"$wb_fresh"
  ln "$wb_fresh" "$wb_dir/cancel" 2>/dev/null
  rm -f "$wb_fresh"
  read_start "$wb_run.$wb_attempt" && is_alive "$wb_r_boot" "$wb_r_sup" "$wb_r_sup_start" && kill -TERM "$wb_r_sup" 2>/dev/null
  [ -e "$wb_dir/cancel" ] || exit 5
}

# signal NAME: sends it to the program's group; fails when there is none. A program that was just started may not lead it yet.
signal() {
  wb_round=0
  while [ $wb_round -lt 50 ]; do
    read_start "$wb_run.$wb_attempt" && is_alive "$wb_r_boot" "$wb_r_pid" "$wb_r_start" || exit 1
    signal_group "$1" "$wb_r_pid" && return 0
    wb_round=$((wb_round + 1))
    pause 0.02
  done
  exit 1
}

# forget: removes all but the records, so that the attempt can never start again and its outcome can be read.
forget() {
  judge_attempt "$wb_run.$wb_attempt"
  case $wb_said in running | starting) echo "$wb_said"; exit 3 ;; esac
  rm -rf "$wb_dir/work" "$wb_dir/artifacts" "$wb_dir/log" "$wb_dir/log.times" "$wb_dir/input"
}
