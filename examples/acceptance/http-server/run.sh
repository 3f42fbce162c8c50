#!/bin/sh
# Starts a server on a free loopback port, talks to it as a client, and stops it, whatever happens.
set -eu
node server.mjs port.txt &
server=$!
trap 'kill "$server" 2>/dev/null || true' EXIT
waited=0
until [ -s port.txt ]; do
  kill -0 "$server" || { echo "the server ended before it listened" >&2; exit 1; }
  waited=$((waited + 1))
  [ "$waited" -le 200 ] || { echo "the server did not listen in time" >&2; exit 1; }
  sleep 0.05
done
node client.mjs "http://127.0.0.1:$(cat port.txt)" "$WAYBILL_ARTIFACTS_DIR/exchange.json"
kill "$server"
wait "$server"
echo "the server stopped by itself when it was asked to"
