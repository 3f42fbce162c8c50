#!/bin/sh
# Compiles the program, then tests what was compiled. `tsc` comes from PATH, where npm scripts put the project's own.
set -eu
command -v tsc >/dev/null || { echo "tsc is not on PATH; run this plan through npm start, or install TypeScript" >&2; exit 1; }
tsc --version
tsc -p tsconfig.json
node --test interval-set.test.mjs
cp build/interval-set.js build/interval-set.d.ts "$WAYBILL_ARTIFACTS_DIR/"
