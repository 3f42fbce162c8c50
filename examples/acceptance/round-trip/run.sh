#!/bin/sh
# Generates files, packs them, unpacks them elsewhere and compares checksums; then damages a copy, which must be noticed.
set -eu
node generate.mjs original
(cd original && find . -type f | LC_ALL=C sort | xargs sha256sum) > "$WAYBILL_ARTIFACTS_DIR/checksums.txt"
tar -cf - original | gzip -9 > packed.tar.gz
gzip -t packed.tar.gz
mkdir restored
gzip -dc packed.tar.gz | tar -xf - -C restored
(cd restored/original && sha256sum -c "$WAYBILL_ARTIFACTS_DIR/checksums.txt")

echo damage >> restored/original/text-0.txt
if (cd restored/original && sha256sum -c "$WAYBILL_ARTIFACTS_DIR/checksums.txt" >/dev/null 2>&1); then
  echo "a damaged file went unnoticed" >&2
  exit 1
fi
echo "packed $(du -sk original | cut -f1) KiB into $(wc -c < packed.tar.gz) bytes; the damaged file was noticed"
