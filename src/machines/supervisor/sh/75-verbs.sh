# ---- verbs

# Becomes the supervisor, with limits $1 to $5. Standard input is the program's: nothing else here may read of it.
take_charge() {
  wb_timeout=$1 wb_silence=$2 wb_grace=$3 wb_limit=$4 wb_contact=$5
  wb_slot= wb_phase=claiming wb_asked= wb_started=null wb_manifest=null
  exec 3<&0 </dev/null
  trap '' HUP
  trap on_term TERM INT
  look_at $$
  wb_self=$wb_start
  claim
}

supervise() {
  wb_tree=$1 wb_slots=$2
  shift 2
  take_charge "$@"
  shift 5
  take_any_slot "$wb_slots"
  copy_tree "$wb_tree"
  cd "$wb_dir/work" || refuse copy_failed
  find_entrypoint "$1"
  wb_entrypoint=./$1
  shift
  launch "$wb_entrypoint" "$@"
  see_it_end
}

execute() {
  wb_directory=$1
  shift
  take_charge "$@"
  shift 5
  cd "$wb_directory" 2>/dev/null || refuse directory_missing
  find_command "$1"
  launch "$@"
  see_it_end
}

see_it_end() {
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
