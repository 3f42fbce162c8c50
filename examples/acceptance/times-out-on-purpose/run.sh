#!/bin/sh
# Ignores TERM and never ends, on purpose: only its limit, and in the end KILL, stop it and what it started.
trap 'echo "asked to stop; going on, on purpose"' TERM
date -u > "$WAYBILL_ARTIFACTS_DIR/started.txt"
echo "running past the limit of 3 s"
while :; do
  sleep 1
done
