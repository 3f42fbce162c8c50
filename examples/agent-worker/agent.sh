#!/bin/sh
# A long-lived agent that nobody starts for each task: it claims by itself, works in the repository that it was started in,
# and leaves when there is nothing to do. (With `--wait` it would stay.)
set -eu
agent=${1:-agent}

# Takes the next task of a type; fails when there is none. It is ours after `waybill` has ended: until its lease is over
# without a sign of life, or this process is dead.
claim() {
  code=0
  claimed=$(waybill tasks claim --type "$1" --agent "$agent" --pid $$ --lease 1m --env) || code=$?
  [ $code -ne 3 ] || return 3
  [ $code -eq 0 ] || exit $code
  # Sets WAYBILL_TASK_ID, and WAYBILL_FENCE, under which everything below is said.
  eval "$claimed"
}

# Once in a while, and before what cannot be taken back. It fails when the task is somebody else's by now.
still_mine() { waybill tasks heartbeat "$WAYBILL_TASK_ID" --lease 1m >&2; }

succeeded() { waybill tasks result "$WAYBILL_TASK_ID" --kind success --summary "$1" --rev "$(git rev-parse main)"; }

while claim tag; do
  commits=$(git rev-list --count main)
  still_mine || continue
  # The attempt before this one may have died here.
  git tag --force v1 main >&2
  succeeded "v1 has $commits commits."
done

while claim sweep; do
  merged=$(git branch --list 'agent/*' --merged main --format '%(refname:short)')
  still_mine || continue
  for branch in $merged; do git branch --quiet --delete "$branch"; done
  succeeded "Not merged: $(git branch --list 'agent/*' --format '%(refname:short)' | tr '\n' ' ')"
done
