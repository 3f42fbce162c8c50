# The machine's side of the run protocol (docs/run-protocol.md), for any POSIX sh: dash, bash, busybox ash.
#
#   sh supervisor.sh supervise PREFIX RUN ATTEMPT FENCE TREE SLOTS TIMEOUT SILENCE GRACE LOG_LIMIT ENTRYPOINT [ARG...]
#   sh supervisor.sh reap      PREFIX RUN ATTEMPT
#
# Durations are milliseconds, the log limit is bytes, 0 means none. `supervise` must lead its own session, away from the
# connection; the variables of the program come in its environment. It leaves with 0 (the exit record is written),
# 2 (usage), 3 (no free slot: see `busy`), 4 (the attempt was claimed before) or 5 (nothing could be recorded).
#
# Every variable of ours starts with wb_: assigning to a name that was inherited would change the program's environment.
unset IFS
wb_umask=$(umask)
umask 077
wb_proc=0
[ -r /proc/self/stat ] && wb_proc=1
# The program's PATH need not lead to the standard tools; then ours does, and the program's is restored when it starts.
wb_path=
command -v mkdir >/dev/null 2>&1 || { wb_path=${PATH:-.}; PATH=$PATH:/usr/bin:/bin:/usr/sbin:/sbin; }

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

end_group() {
  group_exists "$1" || return 0
  signal_group TERM "$1"
  outlast_group "$1" "$2"
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

# ---- records: 1 KiB each is reserved when the attempt is claimed, so that a full disk cannot swallow an outcome

reserve() { printf '%-1023s\n' '' 2>/dev/null >"$wb_dir/$1.reserve" && [ -s "$wb_dir/$1.reserve" ]; }

# Overwrites the reserved file in place, which needs no new block, and renames it to record $1.
put_record() {
  [ -f "$wb_dir/$1.reserve" ] || return 1
  printf '%-1023s\n' "$2" 2>/dev/null 1<>"$wb_dir/$1.reserve" || return 1
  if [ "$1" = exit ]; then sync "$wb_dir/exit.reserve" 2>/dev/null || sync; fi
  mv -f "$wb_dir/$1.reserve" "$wb_dir/$1"
}

# Writes exit record: code $1 or null, reason $2. What cannot be written as a file is kept in a link, which needs no block.
put_exit() {
  wb_bytes=$(wc -c 2>/dev/null <"$wb_dir/log")
  wb_ended=$(time_of_day)
  put_record exit "{\"v\":1,\"run\":\"$wb_run\",\"attempt\":$wb_attempt,\"fence\":$wb_fence,\"code\":$1,\"reason\":\"$2\",\"log_bytes\":$((wb_bytes + 0)),\"artifacts_manifest_hash\":$wb_manifest,\"started\":$wb_started,\"ended\":$wb_ended}" ||
    ln -s "$1|$2|$wb_fence|$wb_ended" "$wb_dir/exit" || return 1
  sync "$wb_dir" 2>/dev/null || sync
}

sha256() {
  if command -v sha256sum >/dev/null 2>&1; then sha256sum "$@"
  elif command -v shasum >/dev/null 2>&1; then shasum -a 256 "$@"
  else openssl dgst -sha256 -r "$@"; fi
}

# Lists the hash of every artifact in `artifacts.manifest` and sets wb_manifest to the list's own hash. The hash is taken
# of what was found, not of what the disk had room for.
seal_artifacts() {
  wb_manifest=null
  [ -d "$wb_dir/artifacts" ] && [ ! -L "$wb_dir/artifacts" ] && cd "$wb_dir/artifacts" || return 0
  for wb_file in * .[!.]* ..?*; do
    [ -e "$wb_file" ] || [ -L "$wb_file" ] || continue
    command -v sha256sum >/dev/null 2>&1 && set -- sha256sum || set -- shasum -a 256
    command -v "$1" >/dev/null 2>&1 || set -- openssl dgst -sha256 -r
    wb_hash=$(find . -type f -exec "$@" {} + | tee "$wb_dir/artifacts.manifest" | sha256)
    wb_manifest="\"${wb_hash%% *}\""
    break
  done
  cd /
}

# ---- slots: SLOT.GENERATION -> "RUN.ATTEMPT|BOOT|PID|START". A link is made exclusively and carries its content in the same
# step. The highest generation holds the slot. A dead holder is superseded by the next generation, never deleted first.

# Sets wb_top to the highest generation of slot $1, 0 when there is none.
find_top() {
  wb_top=0
  for wb_link in "$wb_prefix/slots/$1".[0-9]*; do
    wb_gen=${wb_link##*.}
    [ "$wb_gen" -gt "$wb_top" ] 2>/dev/null && wb_top=$wb_gen
  done
}

# Sets wb_holder, and its parts, from the link of slot $1, generation $2.
read_holder() {
  wb_holder=$(readlink "$wb_prefix/slots/$1.$2" 2>/dev/null) || return 1
  wb_held_by=${wb_holder%%"|"*}
  wb_rest=${wb_holder#*"|"}
  wb_held_boot=${wb_rest%%"|"*}
  wb_rest=${wb_rest#*"|"}
  wb_held_pid=${wb_rest%%"|"*}
  wb_held_start=${wb_rest#*"|"}
}

# Reads the start record of the attempt $1 ("RUN.ATTEMPT") into wb_r_*.
read_start() {
  wb_record=
  [ -f "$wb_prefix/runs/$1/start" ] && read -r wb_record <"$wb_prefix/runs/$1/start"
  case $wb_record in '{'*'}'*) ;; *) return 1 ;; esac
  wb_r_pid=${wb_record#*\"pid\":} wb_r_pid=${wb_r_pid%%,*}
  wb_r_start=${wb_record#*\"pid_start\":\"} wb_r_start=${wb_r_start%%\"*}
  wb_r_dog=${wb_record#*\"watchdog\":} wb_r_dog=${wb_r_dog%%,*}
  wb_r_dog_start=${wb_record#*\"watchdog_start\":\"} wb_r_dog_start=${wb_r_dog_start%%\"*}
  wb_r_boot=${wb_record#*\"boot\":\"} wb_r_boot=${wb_r_boot%%\"*}
}

# A slot is held while its supervisor lives, or the watchdog that is taking its program down.
holder_lives() {
  [ "$wb_held_by" != released ] || return 1
  is_alive "$wb_held_boot" "$wb_held_pid" "$wb_held_start" && return 0
  read_start "$wb_held_by" && is_alive "$wb_r_boot" "$wb_r_dog" "$wb_r_dog_start"
}

# Whether the holder has written its last record and is about to go: who was told of that record may start the next run at
# once, and must not be told that the slot is taken. Waits a moment when so, for about two seconds in all.
is_leaving() {
  [ -e "$wb_prefix/runs/$wb_held_by/exit" ] && [ $wb_patience -gt 0 ] || return 1
  wb_patience=$((wb_patience - 1))
  pause 0.02
}

# Takes slot $1 when it is free: 0 taken, 1 held (wb_held_by says by whom).
take_slot() {
  while :; do
    find_top "$1"
    if [ "$wb_top" -gt 0 ]; then
      read_holder "$1" "$wb_top" || continue
      if holder_lives; then
        is_leaving || return 1
        continue
      fi
    fi
    wb_next=$((wb_top + 1))
    if ! ln -s "$wb_run.$wb_attempt|$wb_boot|$$|$wb_self" "$wb_prefix/slots/$1.$wb_next" 2>/dev/null; then
      # Somebody was faster, and is looked at next; a link that is not there either means that links cannot be made.
      [ -L "$wb_prefix/slots/$1.$wb_next" ] && continue
      find_top "$1"
      [ "$wb_top" -ge "$wb_next" ] && continue
      return 2
    fi
    find_top "$1"
    if [ "$wb_top" -gt "$wb_next" ]; then rm -f "$wb_prefix/slots/$1.$wb_next"; continue; fi
    wb_slot=$1 wb_gen_held=$wb_next
    clear_slot
    return 0
  done
}

# Ends what the dead holders before us left running, back to the last that released the slot: one of them may have died
# before it had ended its own predecessor's. The newest few generations stay, so that no scan can miss them all.
clear_slot() {
  wb_gen=$((wb_gen_held - 1))
  while read_holder "$wb_slot" $wb_gen && [ "$wb_held_by" != released ]; do
    reap_attempt "$wb_held_by"
    wb_gen=$((wb_gen - 1))
  done
  [ $((wb_gen_held % 8)) -lt 2 ] || return 0
  set --
  for wb_link in "$wb_prefix/slots/$wb_slot".[0-9]*; do
    [ ${wb_link##*.} -gt $((wb_gen_held - 8)) ] || set -- "$@" "$wb_link"
  done
  [ $# = 0 ] || rm -f "$@"
}

release_slot() {
  [ -n "$wb_slot" ] || return 0
  ln -s "released|||" "$wb_prefix/slots/$wb_slot.$((wb_gen_held + 1))" 2>/dev/null
  wb_slot=
}

# Ends what the dead attempt $1 ("RUN.ATTEMPT") left alive. A process is signalled only when boot and start time are those
# of the record, or when it carries the attempt in its environment.
reap_attempt() (
  wb_run=${1%.*} wb_attempt=${1##*.}
  if read_start "$1" && [ "$wb_r_boot" = "$wb_boot" ]; then
    is_alive "$wb_r_boot" "$wb_r_pid" "$wb_r_start" && end_group "$wb_r_pid" 2000
    # macOS shows no environments; there, a group whose leader is gone is still known by its number.
    [ $wb_proc = 1 ] || exists "$wb_r_pid" || end_group "$wb_r_pid" 2000
  fi
  end_strays
)

# ---- the program

# Becomes the program, as leader of its own session. A background command of a shell without job control ignores INT and
# QUIT (POSIX.1-2017, 2.11), which the program must not inherit.
become_program() {
  umask "$wb_umask"
  trap - HUP INT TERM
  WAYBILL_RUN_ID=$wb_run WAYBILL_ATTEMPT=$wb_attempt WAYBILL_FENCE=$wb_fence WAYBILL_ARTIFACTS_DIR=$wb_dir/artifacts
  export WAYBILL_RUN_ID WAYBILL_ATTEMPT WAYBILL_FENCE WAYBILL_ARTIFACTS_DIR
  case $1 in *=*) wb_plain=0 ;; *) env --default-signal=INT,QUIT true 2>/dev/null && wb_plain=1 || wb_plain=0 ;; esac
  if [ $wb_plain = 1 ] && command -v setsid >/dev/null 2>&1; then
    exec setsid env --default-signal=INT,QUIT ${wb_path:+"PATH=$wb_path"} "$@"
  elif command -v perl >/dev/null 2>&1; then
    exec perl -e 'use POSIX (); $SIG{$_} = "DEFAULT" for qw(INT QUIT); POSIX::setsid() != -1 or exit 126;
      my $path = shift; $ENV{PATH} = $path if $path ne ""; exec { $ARGV[0] } @ARGV or exit 127' "$wb_path" "$@"
  fi
  exec setsid "$@"
}

# Decides why the program ends, once, whoever decides first: a link cannot be made twice.
decide() { ln -s "$1" "$wb_dir/reason" 2>/dev/null; }

# TERM to the supervisor asks for the end of the run. Asking once is enough; a second signal inside this trap would lose
# the exit status of what it interrupts.
on_term() {
  trap '' TERM INT
  wb_signalled=1
  wb_asked=terminated
  [ -e "$wb_dir/cancel" ] && wb_asked=cancelled
  [ "$wb_phase" = running ] && decide $wb_asked && signal_group TERM "$wb_program"
}

# ---- the watchdog: limits, cancel, and the supervisor's own life. Between two looks it forks nothing but `sleep`.

watch() {
  cd /
  trap '' HUP INT TERM
  tell_time
  wb_begun=$wb_now wb_heard=$wb_now wb_ending=0 wb_turn=0
  [ "$wb_silence" -gt 0 ] && true >"$wb_dir/heard"
  while :; do
    choose_tick
    pause $wb_tick
    supervisor_lives || { take_over; exit 0; }
    [ $wb_ending = 0 ] || continue
    tell_time
    if [ -L "$wb_dir/reason" ]; then
      # The supervisor decided: it has sent TERM already, or the program has ended by itself.
      wb_ending=1
      case $(readlink "$wb_dir/reason") in exited*) ;; *) outlast_group "$wb_program" "$wb_grace" ;; esac
      continue
    fi
    find_reason
    [ -n "$wb_reason" ] || continue
    decide "$wb_reason" || continue
    wb_ending=1
    end_group "$wb_program" "$wb_grace"
  done
}

# Sets wb_tick: fine near a deadline, and for a log that must not grow far past its limit.
choose_tick() {
  wb_tick=0.25
  [ "$wb_limit" -gt 0 ] && wb_tick=0.1
  [ $wb_ending = 0 ] || return 0
  [ "$wb_timeout" -gt 0 ] && [ $((wb_begun + wb_timeout / 10 - wb_now)) -lt 30 ] && wb_tick=0.05
  [ "$wb_silence" -gt 0 ] && [ $((wb_heard + wb_silence / 10 - wb_now)) -lt 30 ] && wb_tick=0.05
  return 0
}

# Sets wb_reason to why the program must end now, or to nothing.
find_reason() {
  wb_reason=
  # Where the shell compares whole seconds, "not older" errs on the side of having heard something.
  if [ "$wb_silence" -gt 0 ] && ! [ "$wb_dir/heard" -nt "$wb_dir/log" ]; then
    true >"$wb_dir/heard"
    wb_heard=$wb_now
  fi
  if [ -e "$wb_dir/cancel" ]; then wb_reason=cancelled
  elif [ "$wb_timeout" -gt 0 ] && [ $((wb_now - wb_begun)) -ge $((wb_timeout / 10)) ]; then wb_reason=timeout
  elif [ "$wb_silence" -gt 0 ] && [ $((wb_now - wb_heard)) -ge $((wb_silence / 10)) ]; then wb_reason=silence
  elif [ "$wb_limit" -gt 0 ] && [ "$(wc -c <"$wb_dir/log")" -gt "$wb_limit" ]; then wb_reason=log_limit; fi
}

supervisor_lives() {
  # Without /proc a look costs two forks; the pid alone is asked in most turns.
  wb_turn=$((wb_turn + 1))
  if [ $wb_proc = 0 ] && [ $((wb_turn % 8)) != 0 ]; then kill -0 $$ 2>/dev/null; else is_alive "$wb_boot" $$ "$wb_self"; fi
}

# The supervisor was killed. What it had learned of the program's end still counts; else its death is the outcome.
take_over() {
  if [ ! -e "$wb_dir/exit" ] && [ ! -L "$wb_dir/exit" ]; then
    wb_reason=$(readlink "$wb_dir/reason" 2>/dev/null)
    case $wb_reason in
    exited\|*) finish "${wb_reason#*"|"}" exited ;;
    *)
      end_group "$wb_program" "$wb_grace"
      finish null supervisor_died
      ;;
    esac
  fi
  release_slot
}

# ---- the run

# Records that nothing was executed, and why.
refuse() {
  put_exit null "$1" || exit 5
  release_slot
  exit 0
}

claim() {
  [ -d "$wb_dir" ] || mkdir -p "$wb_dir"
  # One step decides who runs the attempt and says who that is, so that a claim without a living owner is proof of loss.
  if ! ln -s "$wb_boot|$$|$wb_self" "$wb_dir/claim" 2>/dev/null; then
    [ -L "$wb_dir/claim" ] && exit 4
    ln -s "$wb_boot|$$|$wb_self" "$wb_dir/claim" || exit 5
  fi
  [ ! -L "$wb_dir/busy" ] || rm -f "$wb_dir/busy"
  [ -d "$wb_dir/artifacts" ] || mkdir "$wb_dir/artifacts" 2>/dev/null
  true 2>/dev/null >>"$wb_dir/log"
  reserve exit && reserve start || refuse disk_full
}

# Takes the first free slot of $1, or records who holds them and gives the claim back.
take_any_slot() {
  [ -d "$wb_prefix/slots" ] || mkdir -p "$wb_prefix/slots"
  wb_n=1 wb_busy_with= wb_patience=100
  while [ $wb_n -le "$1" ]; do
    take_slot $wb_n
    case $? in 0) return 0 ;; 2) refuse disk_full ;; esac
    [ -n "$wb_busy_with" ] || wb_busy_with=${wb_held_by%.*}
    wb_n=$((wb_n + 1))
  done
  ln -s "$wb_busy_with" "$wb_dir/busy" || exit 5
  rm -f "$wb_dir/start.reserve" "$wb_dir/exit.reserve" "$wb_dir/claim"
  exit 3
}

# Makes the working copy of tree $1. Cloned where cp can do that; a cp without the option fails before it copies.
copy_tree() {
  [ -d "$wb_prefix/trees/$1" ] || refuse tree_missing
  cp -R -P --reflink=auto "$wb_prefix/trees/$1" "$wb_dir/work" 2>/dev/null && return 0
  rm -rf "$wb_dir/work"
  wb_error=$(LC_ALL=C cp -R -P "$wb_prefix/trees/$1" "$wb_dir/work" 2>&1) && return 0
  rm -rf "$wb_dir/work"
  printf '%s\n' "$wb_error" 2>/dev/null >>"$wb_dir/log"
  case $wb_error in *"No space left"* | *"quota"*) refuse disk_full ;; *) refuse copy_failed ;; esac
}

find_entrypoint() {
  case "/$1/" in *"/../"* | "//"*) refuse entrypoint_missing ;; esac
  [ -n "$1" ] && [ -f "$1" ] || refuse entrypoint_missing
  [ -x "$1" ] || chmod u+x "./$1"
}

launch() {
  command -v setsid >/dev/null 2>&1 || command -v perl >/dev/null 2>&1 || refuse no_session
  [ ! -e "$wb_dir/cancel" ] || refuse cancelled
  [ -z "$wb_asked" ] || refuse "$wb_asked"
  wb_started=$(time_of_day)
  wb_phase=running
  (become_program "$@") </dev/null >>"$wb_dir/log" 2>&1 &
  wb_program=$!
  look_at "$wb_program"
  wb_program_start=$wb_start
  watch </dev/null >/dev/null 2>&1 &
  wb_watchdog=$!
  look_at "$wb_watchdog"
  put_record start "{\"v\":1,\"run\":\"$wb_run\",\"attempt\":$wb_attempt,\"fence\":$wb_fence,\"pid\":$wb_program,\"pid_start\":\"$wb_program_start\",\"supervisor\":$$,\"supervisor_start\":\"$wb_self\",\"watchdog\":$wb_watchdog,\"watchdog_start\":\"$wb_start\",\"boot\":\"$wb_boot\",\"started\":$wb_started}"
}

# Sets wb_code to how the program ended. A trap makes `wait` answer 128+n while the program may still live, so after one we
# ask again; a shell that had given the true answer before the trap has forgotten the program by then and says 127.
await_program() {
  wb_code=
  while :; do
    wb_signalled=
    wait "$wb_program"
    wb_last=$?
    [ $wb_last = 127 ] && [ -n "$wb_code" ] && break
    wb_code=$wb_last
    [ -n "$wb_signalled" ] || break
  done
  wb_phase=ended
}

# The program has ended with code $1 for reason $2: ends what it left, and writes that down.
finish() {
  # Its number cannot have been given away while its group has a member, so an existing process of that number is a stranger.
  exists "$wb_program" || end_leftovers "$wb_program"
  end_strays
  seal_artifacts
  put_exit "$1" "$2"
}

# ---- verbs

supervise() {
  wb_tree=$1 wb_slots=$2 wb_timeout=$3 wb_silence=$4 wb_grace=$5 wb_limit=$6
  shift 6
  wb_slot= wb_phase=claiming wb_asked= wb_started=null wb_manifest=null
  trap '' HUP
  trap on_term TERM INT
  look_at $$
  wb_self=$wb_start
  claim
  take_any_slot "$wb_slots"
  copy_tree "$wb_tree"
  cd "$wb_dir/work" || refuse copy_failed
  find_entrypoint "$1"
  wb_entrypoint=./$1
  shift
  launch "$wb_entrypoint" "$@"
  cd /
  await_program
  if decide "exited|$wb_code"; then wb_reason=exited; else wb_reason=$(readlink "$wb_dir/reason"); fi
  finish "$wb_code" "${wb_reason:-exited}"
  wb_recorded=$?
  release_slot
  kill -KILL "$wb_watchdog" 2>/dev/null
  [ $wb_recorded = 0 ] || exit 5
}

reap() {
  # An attempt whose supervisor or watchdog lives is not lost, and is left to them.
  wb_owner=$(readlink "$wb_dir/claim")
  wb_rest=${wb_owner#*"|"}
  is_alive "${wb_owner%%"|"*}" "${wb_rest%%"|"*}" "${wb_rest#*"|"}" && exit 3
  if read_start "$wb_run.$wb_attempt"; then
    is_alive "$wb_r_boot" "$wb_r_dog" "$wb_r_dog_start" && exit 3
  fi
  reap_attempt "$wb_run.$wb_attempt"
  for wb_held in "$wb_prefix"/slots/*; do
    [ -L "$wb_held" ] || continue
    wb_slot=${wb_held##*/} wb_slot=${wb_slot%%.*}
    find_top "$wb_slot"
    [ "${wb_held##*.}" = "$wb_top" ] && read_holder "$wb_slot" "$wb_top" || continue
    [ "$wb_held_by" = "$wb_run.$wb_attempt" ] || continue
    is_alive "$wb_held_boot" "$wb_held_pid" "$wb_held_start" && continue
    wb_gen_held=$wb_top
    release_slot
  done
}

wb_verb=${1:-} wb_prefix=${2:-} wb_run=${3:-} wb_attempt=${4:-} wb_fence=${5:-0}
wb_dir=$wb_prefix/runs/$wb_run.$wb_attempt
case $wb_prefix in /*) ;; *) echo "supervisor: the prefix must be absolute, found '$wb_prefix'" >&2; exit 2 ;; esac
case $wb_run in '' | *[!A-Za-z0-9._-]*) echo "supervisor: not a run id: '$wb_run'" >&2; exit 2 ;; esac
case $wb_attempt$wb_fence in *[!0-9]*) echo "supervisor: attempt and fence must be numbers" >&2; exit 2 ;; esac
learn_boot
case $wb_verb in
supervise) shift 5; supervise "$@" ;;
reap) reap ;;
*) echo "supervisor: unknown verb '$wb_verb'" >&2; exit 2 ;;
esac
