#!/bin/sh
# Tests a shell function against a table of cases and reports in TAP (testanything.org).
set -eu
. ./slug.sh
results="$WAYBILL_ARTIFACTS_DIR/results.tap"
count=0
failed=0
total=$(grep -c '|' cases.txt)
echo "1..$total" | tee "$results"
while IFS='|' read -r input expected; do
  count=$((count + 1))
  actual=$(slug "$input")
  if [ "$actual" = "$expected" ]; then
    echo "ok $count - \"$input\" becomes \"$expected\"" | tee -a "$results"
  else
    failed=$((failed + 1))
    echo "not ok $count - \"$input\" becomes \"$expected\", found \"$actual\"" | tee -a "$results"
  fi
done < cases.txt
[ "$count" -eq "$total" ] && [ "$failed" -eq 0 ]
