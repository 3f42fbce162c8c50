#!/bin/sh
# Runs a test suite of Node twice over: for people on stdout, for machines as JUnit in the artifacts.
set -eu
exec node --test \
  --test-reporter=spec --test-reporter-destination=stdout \
  --test-reporter=junit --test-reporter-destination="$WAYBILL_ARTIFACTS_DIR/junit.xml" \
  query-string.test.mjs
