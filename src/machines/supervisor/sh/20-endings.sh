# ---- ending what runs

signal_group() { kill "-$1" "-$2" 2>/dev/null || kill "-$1" "$2" 2>/dev/null; }
group_exists() { kill -0 "-$1" 2>/dev/null || kill -0 "$1" 2>/dev/null; }

# Gives the group $1 up to $2 milliseconds to end, then kills it.
outlast_group() {
  tell_time
  wb_deadline=$((wb_now + $2 / 10))
  while group_exists "$1" && [ "$wb_now" -lt "$wb_deadline" ]; do
    pause 0.05
    tell_time
  done
  signal_group KILL "$1"
}

# Asks group $1 to end by signal $3 (default TERM), and kills it after $2 milliseconds.
end_group() {
  group_exists "$1" || return 0
  signal_group "${3:-TERM}" "$1"
  outlast_group "$1" "$2"
}

# Reads how the end was asked for: the file `cancel` may hold "SIGNAL GRACE". Sets wb_first, and wb_grace when it is told.
read_cancel() {
  wb_first=TERM wb_wanted=
  [ ! -e "$wb_dir/cancel" ] || read -r wb_wanted wb_line <"$wb_dir/cancel" || [ -n "$wb_wanted" ] || return 0
  case $wb_wanted in '' | *[!A-Z0-9]*) return 0 ;; esac
  wb_first=$wb_wanted
  case $wb_line in '' | *[!0-9]*) ;; *) wb_grace=$wb_line ;; esac
}

# Sets wb_found to the processes that still carry this attempt in their environment, wherever they fled (Linux only).
find_strays() {
  wb_found=
  [ $wb_proc = 1 ] || return 0
  for wb_file in $(cd /proc && grep -lsF "WAYBILL_RUN_ID=$wb_run" [0-9]*/environ 2>/dev/null); do
    wb_env=$(tr '\0\n' '\n ' <"/proc/$wb_file" 2>/dev/null)
    case "
$wb_env
" in
    *"
WAYBILL_RUN_ID=$wb_run
"*) ;;
    *) continue ;;
    esac
    case "
$wb_env
" in
    *"
WAYBILL_ATTEMPT=$wb_attempt
"*) ;;
    # Another attempt of the same run: not ours to end.
    *"
WAYBILL_ATTEMPT="*) continue ;;
    esac
    wb_found="$wb_found ${wb_file%%/*}"
  done
}

# A process can fork while we look, so we look until none is left; a bound guards against what cannot be killed.
end_strays() {
  wb_round=0
  while [ $wb_round -lt 40 ]; do
    find_strays
    [ -n "$wb_found" ] || return 0
    kill -KILL $wb_found 2>/dev/null
    wb_round=$((wb_round + 1))
    pause 0.05
  done
}

# Ends the members of group $1 that outlived its leader. Zombies keep a group in being until they are reaped, which some
# containers never do; they have no environment, so where that can be seen they are not waited for.
end_leftovers() {
  group_exists "$1" || return 0
  signal_group TERM "$1"
  wb_round=0
  while group_exists "$1" && [ $wb_round -lt 20 ]; do
    if [ $wb_proc = 1 ]; then
      find_strays
      [ -n "$wb_found" ] || break
    fi
    pause 0.05
    wb_round=$((wb_round + 1))
  done
  signal_group KILL "$1"
}

