#!/bin/sh
# Counts an access log twice, with awk and with Node, which must agree; leaves the summary.
set -eu
node analyse.mjs access.log > "$WAYBILL_ARTIFACTS_DIR/summary.json"
cat "$WAYBILL_ARTIFACTS_DIR/summary.json"
errors=$(awk '$9 >= 500 { n++ } END { print n + 0 }' access.log)
requests=$(wc -l < access.log | tr -d ' ')
node -e '
  const { requests, errors } = JSON.parse(require("node:fs").readFileSync(process.argv[1], "utf8"));
  if (requests !== Number(process.argv[2]) || errors !== Number(process.argv[3])) {
    console.error("awk counts differently:", process.argv[2], process.argv[3]);
    process.exit(1);
  }
' "$WAYBILL_ARTIFACTS_DIR/summary.json" "$requests" "$errors"
echo "awk agrees: $requests requests, $errors errors"
