#!/bin/sh
# Runs a worker ($2) and writes into a file ($1) when it begins and ends: so the check at the end knows what ran at once from
# somebody else than the store.
echo "begin $WAYBILL_TASK_ID" >>"$1"
"$2"
code=$?
echo "end $WAYBILL_TASK_ID" >>"$1"
exit $code
