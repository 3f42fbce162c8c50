# ---- processes: told apart by boot, pid and start time, so that a pid used again is never taken for its predecessor

# Sets wb_state and wb_start (start time) of the process $1. On Linux without a fork.
look_at() {
  wb_state= wb_start= wb_stat=
  if [ $wb_proc = 1 ]; then
    [ -r "/proc/$1/stat" ] || return 1
    # The name may hold spaces, parentheses and newlines; what follows its last parenthesis does not.
    { while IFS= read -r wb_line || [ -n "$wb_line" ]; do wb_stat="$wb_stat $wb_line"; done <"/proc/$1/stat"; } 2>/dev/null
    set -- ${wb_stat##*") "}
    [ $# -ge 20 ] || return 1
    wb_state=$1
    shift 19
    wb_start=$1
  else
    wb_start=$(LC_ALL=C ps -o lstart= -p "$1" 2>/dev/null | tr -cd 'A-Za-z0-9:') && [ -n "$wb_start" ] || return 1
    wb_state=$(ps -o stat= -p "$1" 2>/dev/null)
  fi
}

# Sets wb_boot: changes at every reboot of the machine and every restart of a container.
learn_boot() {
  wb_boot=
  [ -r /proc/sys/kernel/random/boot_id ] && read -r wb_boot </proc/sys/kernel/random/boot_id
  [ -n "$wb_boot" ] || wb_boot=$(sysctl -n kern.bootsessionuuid 2>/dev/null)
  look_at 1
  wb_boot=$wb_boot.$wb_start
}

# Whether the process with boot $1, pid $2 and start $3 lives. A zombie is dead: not every container reaps.
is_alive() {
  [ "$1" = "$wb_boot" ] && look_at "$2" && [ "$wb_start" = "$3" ] || return 1
  case $wb_state in Z* | X* | '') return 1 ;; esac
}

exists() {
  if [ $wb_proc = 1 ]; then [ -d "/proc/$1" ]; else kill -0 "$1" 2>/dev/null; fi
}

# Sets wb_now: centiseconds on a clock that nobody sets, where there is one.
tell_time() {
  if [ -r /proc/uptime ]; then
    read -r wb_now wb_line </proc/uptime
    wb_now=$((${wb_now%.*} * 100 + 1${wb_now#*.} - 100))
  else
    wb_now=$(date +%s)00
  fi
}

# Prints the time of day in epoch milliseconds.
time_of_day() {
  wb_ms=$(date +%s%3N)
  case $wb_ms in *[!0-9]* | ??????????) wb_ms=$(date +%s)000 ;; esac
  echo "$wb_ms"
}

pause() { sleep "$1" 2>/dev/null || sleep 1; }

