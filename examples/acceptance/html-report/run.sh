#!/bin/sh
# Renders measurements to one page without any script or outside resource, and checks that the page says what they say.
set -eu
exec node render.mjs measurements.json "$WAYBILL_ARTIFACTS_DIR/report.html"
