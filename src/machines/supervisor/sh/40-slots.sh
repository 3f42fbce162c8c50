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
  wb_r_sup=${wb_record#*\"supervisor\":} wb_r_sup=${wb_r_sup%%,*}
  wb_r_sup_start=${wb_record#*\"supervisor_start\":\"} wb_r_sup_start=${wb_r_sup_start%%\"*}
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

