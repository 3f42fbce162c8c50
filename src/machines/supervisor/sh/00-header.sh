# The machine's side of the run protocol (docs/run-protocol.md), for any POSIX sh: dash, bash, busybox ash.
#
#   sh supervisor.sh supervise PREFIX RUN ATTEMPT FENCE TREE SLOTS TIMEOUT SILENCE GRACE LOG_LIMIT CONTACT ENTRYPOINT [ARG...]
#   sh supervisor.sh execute   PREFIX RUN ATTEMPT FENCE DIRECTORY TIMEOUT SILENCE GRACE LOG_LIMIT CONTACT COMMAND [ARG...]
#   sh supervisor.sh reap      PREFIX RUN ATTEMPT
#
# `supervise` runs a tree's entrypoint in a slot, `execute` a command in a directory that is there, without a slot.
# Durations are milliseconds, the log limit is bytes, 0 means none. Both must lead their own session, away from the
# connection; the program's variables come in their environment, its standard input is theirs. They leave with 0 (the
# exit record is written), 2 (usage), 3 (no free slot: see `busy`), 4 (the attempt was claimed before) or 5 (nothing could
# be recorded).
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

