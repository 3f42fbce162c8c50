# ---- the watchdog: limits, cancel, and the supervisor's own life. Between two looks it forks nothing but `sleep`.

watch() {
  cd /
  trap '' HUP INT TERM
  tell_time
  wb_begun=$wb_now wb_heard=$wb_now wb_met=$wb_now wb_ending=0 wb_turn=0 wb_noted=
  [ "$wb_silence" -gt 0 ] && true >"$wb_dir/heard"
  [ "$wb_contact" -gt 0 ] && true >"$wb_dir/contact.seen"
  while :; do
    choose_tick
    pause $wb_tick
    supervisor_lives || { take_over; exit 0; }
    [ $wb_ending = 0 ] || continue
    tell_time
    note_growth
    if [ -L "$wb_dir/reason" ]; then
      # The supervisor decided: it has signalled already, or the program has ended by itself.
      wb_ending=1
      read_cancel
      case $(readlink "$wb_dir/reason") in exited*) ;; *) outlast_group "$wb_program" "$wb_grace" ;; esac
      continue
    fi
    find_reason
    [ -n "$wb_reason" ] || continue
    decide "$wb_reason" || continue
    wb_ending=1
    read_cancel
    end_group "$wb_program" "$wb_grace" "$wb_first"
  done
}

# Notes how far the log had grown by now, at most once a second and only when it grew, in lines of "EPOCH_MS BYTES": so that
# it can be asked for what was written since a time. On a full disk the notes end, and nothing else.
note_growth() {
  if [ -n "$wb_noted" ]; then
    [ $((wb_now - wb_noted)) -ge 100 ] && [ "$wb_dir/log" -nt "$wb_dir/log.times" ] || return 0
  else
    [ -s "$wb_dir/log" ] || return 0
  fi
  wb_noted=$wb_now
  echo "$((wb_started + (wb_now - wb_begun) * 10)) $(($(wc -c <"$wb_dir/log")))" 2>/dev/null >>"$wb_dir/log.times"
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
  # Whoever drives the run from afar touches `contact`; a run whose policy wants contact does not outlast it.
  if [ "$wb_contact" -gt 0 ] && ! [ "$wb_dir/contact.seen" -nt "$wb_dir/contact" ]; then
    true >"$wb_dir/contact.seen"
    wb_met=$wb_now
  fi
  if [ -e "$wb_dir/cancel" ]; then wb_reason=cancelled
  elif [ "$wb_timeout" -gt 0 ] && [ $((wb_now - wb_begun)) -ge $((wb_timeout / 10)) ]; then wb_reason=timeout
  elif [ "$wb_silence" -gt 0 ] && [ $((wb_now - wb_heard)) -ge $((wb_silence / 10)) ]; then wb_reason=silence
  elif [ "$wb_contact" -gt 0 ] && [ $((wb_now - wb_met)) -ge $((wb_contact / 10)) ]; then wb_reason=out_of_contact
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

