#!/bin/sh
# Drives the example from an empty directory to its end: run.sh [DIRECTORY]
#
# A directory that is named is kept, to look around in; else one is made, and removed. Needs git, Python and Waybill: that of
# this checkout when it is built, else the one in PATH.
set -eu

here=$(CDPATH='' cd "$(dirname "$0")" && pwd)
for tool in git python3; do
  command -v "$tool" >/dev/null || { echo "run.sh: $tool is missing" >&2; exit 2; }
done

keep=
if [ $# -gt 0 ]; then
  mkdir -p "$1"
  dir=$(CDPATH='' cd "$1" && pwd)
  [ -z "$(ls -A "$dir")" ] || { echo "run.sh: $dir is not empty" >&2; exit 2; }
  keep=yes
else
  dir=$(mktemp -d)
fi
# Cut off, it leaves neither a worker nor a directory.
coder=
tidy() {
  [ -z "$coder" ] || { kill "$coder" && wait "$coder"; } 2>/dev/null || :
  [ -n "$keep" ] || rm -rf "$dir"
}
trap tidy EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

built=$here/../../dist/cli.cjs
if [ -f "$built" ]; then
  mkdir "$dir/bin"
  printf '#!/bin/sh\nexec node "%s" "$@"\n' "$built" >"$dir/bin/waybill"
  chmod +x "$dir/bin/waybill"
  PATH=$dir/bin:$PATH
fi
# A store of its own, and a git that knows nothing of whoever runs this, or in which repository.
for name in $(env | sed -n 's/^\(WAYBILL_[A-Z_]*\)=.*/\1/p') $(git rev-parse --local-env-vars); do unset "$name"; done
export PATH WAYBILL_HOME="$dir/home" GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
export GIT_AUTHOR_NAME=agent GIT_AUTHOR_EMAIL=agent@localhost GIT_COMMITTER_NAME=agent GIT_COMMITTER_EMAIL=agent@localhost

say() { printf '\n== %s\n' "$*"; }

say "A project under git, and a plan for it"
cp -R "$here/project" "$dir/repository"
cd "$dir/repository"
git init --quiet --initial-branch main
git add .
git commit --quiet --message "Lengths in metres"
waybill tasks create --file "$here/plan.yaml"
waybill tasks create --file "$here/plan.yaml" --json >"$dir/tasks.json"

unfinished() {
  waybill tasks list --type code --type docs --state queued --state scheduled --state running --json | grep -q '"id"'
}

round=0
while unfinished; do
  round=$((round + 1))
  [ "$round" -le 9 ] || { echo "run.sh: it does not come to an end" >&2; exit 1; }
  say "Round $round: workers do what can be done"
  waybill work --types code --drain --concurrency 3 --timeout 5m --agent coder -- \
    "$here/witness.sh" "$dir/journal" "$here/worker.py" &
  coder=$!
  waybill work --types docs --drain --timeout 5m --agent writer -- "$here/witness.sh" "$dir/journal" "$here/worker.sh"
  wait "$coder"
  coder=
  say "Round $round: a person answers"
  "$here/person.py"
done

say "An agent claims by itself what came after that"
"$here/agent.sh" keeper

say "What became of it"
waybill tasks create --file "$here/plan.yaml"
git log --graph --oneline
"$here/check.py" "$dir/tasks.json" "$dir/journal"
