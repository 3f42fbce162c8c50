# ---- the run

# Records that nothing was executed, why, and with which code a shell would say so.
refuse() {
  put_exit "${2:-null}" "$1" || exit 5
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
  [ "$wb_contact" = 0 ] || true 2>/dev/null >"$wb_dir/contact" || refuse disk_full
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
  # So that upkeep knows when it was last of use; without room for the marker the tree's own time counts.
  true 2>/dev/null >"$wb_prefix/trees/.used.$1"
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

# Refuses a command that cannot be executed, with the codes of a shell (POSIX.1-2017, 2.8.2). Our own functions and the
# shell's are no commands, which is why `command -v` is not asked.
find_command() {
  wb_refused=command_missing
  case $1 in
  */*) is_command "$1" && return 0 ;;
  *)
    wb_rest=${wb_path:-$PATH}:
    while [ -n "$wb_rest" ] && [ -n "$1" ]; do
      wb_folder=${wb_rest%%:*} wb_rest=${wb_rest#*:}
      is_command "${wb_folder:-.}/$1" && return 0
    done
    ;;
  esac
  if [ $wb_refused = command_missing ]; then refuse command_missing 127; else refuse $wb_refused 126; fi
}

is_command() {
  [ -e "$1" ] && wb_refused=command_not_executable
  [ -f "$1" ] && [ -x "$1" ]
}

launch() {
  command -v setsid >/dev/null 2>&1 || command -v perl >/dev/null 2>&1 || refuse no_session
  [ ! -e "$wb_dir/cancel" ] || refuse cancelled
  [ -z "$wb_asked" ] || refuse "$wb_asked"
  wb_started=$(time_of_day)
  wb_phase=running
  # What a shell starts in the background loses its standard input, so the supervisor's was put aside.
  (become_program "$@") <&3 3<&- >>"$wb_dir/log" 2>&1 &
  wb_program=$!
  exec 3<&-
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

