# ---- dispatch: VERB PREFIX RUN ATTEMPT FENCE [ARG...] for what is about one attempt, VERB PREFIX [ARG...] for the rest

wb_verb=${1:-} wb_prefix=${2:-}
case $wb_prefix in /*) ;; *) echo "supervisor: the prefix must be absolute, found '$wb_prefix'" >&2; exit 2 ;; esac
learn_boot
case $wb_verb in
hello) ;;
observe | await | check | clock | stock | gc | find_tree | take_tree) shift 2; "$wb_verb" "$@" ;;
supervise | execute | reap | start | cancel | signal | forget | follow | log | tail_offset | growth | artifacts | send_artifacts)
  wb_run=${3:-} wb_attempt=${4:-} wb_fence=${5:-0}
  wb_dir=$wb_prefix/runs/$wb_run.$wb_attempt
  case $wb_run in '' | *[!A-Za-z0-9._-]*) echo "supervisor: not a run id: '$wb_run'" >&2; exit 2 ;; esac
  case $wb_attempt$wb_fence in *[!0-9]*) echo "supervisor: attempt and fence must be numbers" >&2; exit 2 ;; esac
  if [ $# -gt 5 ]; then shift 5; else set --; fi
  "$wb_verb" "$@"
  ;;
*) echo "supervisor: unknown verb '$wb_verb'" >&2; exit 2 ;;
esac
