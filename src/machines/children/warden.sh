# The warden of a worker: ends what the worker's children left running when the worker is gone (see warden.ts).
#
# $1: grace in milliseconds between asking a group to end and killing it. $2: a directory that goes when all is over.
# Stdin is a pipe that only the worker holds: "add GROUP" before a child may begin, "del GROUP" once nothing of it is left.
# It says "ready" once it cannot be interrupted. The end of the pipe is the end of the worker, also by KILL. Whoever sees this process dead knows that no child lives.

# Whether anything of the group $1 runs. Zombies keep a group in being until they are reaped, which some containers never do.
group_lives() {
  kill -0 "-$1" 2>/dev/null || return 1
  [ -r /proc/self/stat ] || return 0
  for wd_file in /proc/[0-9]*/stat; do
    wd_stat=
    # The name may hold spaces, parentheses and newlines; what follows its last parenthesis does not.
    { while IFS= read -r wd_line || [ -n "$wd_line" ]; do wd_stat="$wd_stat $wd_line"; done <"$wd_file"; } 2>/dev/null
    set -- "$1" ${wd_stat##*") "}
    case ${2:-Z} in Z* | X*) continue ;; esac
    [ "$4" != "$1" ] || return 0
  done
  return 1
}

# Keeps in wd_groups those of which something runs.
drop_ended() {
  wd_left=' '
  for wd_group in $wd_groups; do
    ! group_lives "$wd_group" || wd_left="$wd_left$wd_group "
  done
  wd_groups=$wd_left
}

# CONT lets a stopped process hear what it was told.
signal_all() {
  for wd_group in $wd_groups; do
    kill "-$1" "-$wd_group" 2>/dev/null
    kill -CONT "-$wd_group" 2>/dev/null
  done
}

pause() { sleep 0.05 2>/dev/null || sleep 1; }

# Hundredths of a second since the machine was started; nothing where nobody tells.
clock() {
  wd_now=
  { read -r wd_now wd_rest </proc/uptime; } 2>/dev/null || return 0
  wd_now=${wd_now%.*}${wd_now#*.}
}

# Whether the time is over: by the clock, since a look at all processes may take longer than the pause between two; by rounds else.
is_late() {
  clock
  if [ -n "$wd_now" ] && [ -n "$wd_until" ]; then [ "$wd_now" -ge "$wd_until" ]; else [ $wd_rounds -le 0 ]; fi
}

end_all() {
  signal_all TERM
  clock
  wd_until=${wd_now:+$((wd_now + $1 / 10))}
  wd_rounds=$(($1 / 50))
  drop_ended
  while [ "$wd_groups" != ' ' ] && ! is_late; do
    pause
    wd_rounds=$((wd_rounds - 1))
    drop_ended
  done
  # What cannot be killed yet is waited for: until it is gone, nobody may take its task for free.
  while [ "$wd_groups" != ' ' ]; do
    signal_all KILL
    pause
    drop_ended
  done
}

# A function is read whole before it runs: the file may be replaced meanwhile.
main() {
  trap '' HUP INT TERM
  echo ready
  exec >/dev/null
  wd_groups=' '
  while read -r wd_verb wd_group; do
    case $wd_verb in
    add) wd_groups="$wd_groups$wd_group " ;;
    del)
      case $wd_groups in
      *" $wd_group "*) wd_groups="${wd_groups%% "$wd_group" *} ${wd_groups#* "$wd_group" }" ;;
      esac
      ;;
    esac
  done
  end_all "$1"
  rm -rf "$2"
}

main "$@"
exit
