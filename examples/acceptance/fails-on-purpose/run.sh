#!/bin/sh
# Fails on purpose, with a code of its own: the plan shows that a failure is told as it was, and stops nothing else.
set -u
failed=0
check() { if [ "$2" = "$3" ]; then echo "ok $1"; else echo "not ok $1: expected $3, found $2" >&2; failed=$((failed + 1)); fi; }
check "one and one" "$((1 + 1))" 2
check "seven times six" "$((7 * 6))" 54
check "the rest of seven by two" "$((7 % 2))" 1
echo "$failed of 3 checks failed, on purpose" | tee "$WAYBILL_ARTIFACTS_DIR/evidence.txt"
[ "$failed" -eq 0 ] || exit 3
