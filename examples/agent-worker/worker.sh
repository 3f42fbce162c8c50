#!/bin/sh
# A worker in sh: `waybill work --types docs -- ./worker.sh` runs it for each attempt of a task.
#
# Its working directory is a git repository. It writes docs/units.md anew from the tables in units/, on a branch and in a
# worktree of its own, and answers with one line.
set -eu

repository=$PWD
branch=agent/docs-$WAYBILL_TASK_ID-$WAYBILL_ATTEMPT
folder=$(mktemp -d)
tidy() {
  cd "$repository"
  git worktree remove --force "$folder/tree" 2>/dev/null || :
  rm -rf "$folder"
}
trap tidy EXIT
trap 'exit 143' TERM INT

# The task is one line of JSON. Whoever needs more of it than a plain word takes jq.
title=$(sed -n 's/.*"title":"\([^"\\]*\)".*/\1/p' "$WAYBILL_TASK_FILE")

waybill tasks progress "$WAYBILL_TASK_ID" '{"step":"write"}'
git worktree add --quiet -b "$branch" "$folder/tree" main
cd "$folder/tree"
{
  printf '| unit | metres |\n|---|---|\n'
  sed -n 's/^ *"\(.*\)": \(.*\),$/| \1 | \2 |/p' units/table.py units/old.py
} >docs/units.md
git add docs/units.md
git commit --quiet --message "$title"
rev=$(git rev-parse HEAD)
units=$(grep -c '[0-9]' docs/units.md)
waybill tasks note "$WAYBILL_TASK_ID" "docs/units.md has $units units now." --fence "$WAYBILL_FENCE"

# kind, summary, branch, rev: none of them may hold a `|`. Where one may, the result is JSON (see worker.py).
echo "dispatch-result|fork|$units units are listed. Does it go in?|$branch|$rev" >"$WAYBILL_RESULT_FILE"
