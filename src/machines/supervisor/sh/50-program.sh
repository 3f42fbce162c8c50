# ---- the program

# Becomes the program, as leader of its own session. A background command of a shell without job control ignores INT and
# QUIT (POSIX.1-2017, 2.11), which the program must not inherit.
become_program() {
  umask "$wb_umask"
  trap - HUP INT TERM
  WAYBILL_RUN_ID=$wb_run WAYBILL_ATTEMPT=$wb_attempt WAYBILL_FENCE=$wb_fence WAYBILL_ARTIFACTS_DIR=$wb_dir/artifacts
  export WAYBILL_RUN_ID WAYBILL_ATTEMPT WAYBILL_FENCE WAYBILL_ARTIFACTS_DIR
  case $1 in *=* | -*) wb_plain=0 ;; *) env --default-signal=INT,QUIT true 2>/dev/null && wb_plain=1 || wb_plain=0 ;; esac
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
  read_cancel
  [ "$wb_phase" = running ] && decide $wb_asked && signal_group "$wb_first" "$wb_program"
}

