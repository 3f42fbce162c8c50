#!/bin/sh
# Checks laws on generated values. The seed is in the plan, so that a failure can be had again.
set -eu
exec node check.mjs "${SEED:-1}"
