# ---- records: 1 KiB each is reserved when the attempt is claimed, so that a full disk cannot swallow an outcome

reserve() { printf '%-1023s\n' '' 2>/dev/null >"$wb_dir/$1.reserve" && [ -s "$wb_dir/$1.reserve" ]; }

# Overwrites the reserved file in place, which needs no new block, and renames it to record $1.
put_record() {
  [ -f "$wb_dir/$1.reserve" ] || return 1
  printf '%-1023s\n' "$2" 2>/dev/null 1<>"$wb_dir/$1.reserve" || return 1
  if [ "$1" = exit ]; then sync "$wb_dir/exit.reserve" 2>/dev/null || sync; fi
  mv -f "$wb_dir/$1.reserve" "$wb_dir/$1"
}

# Writes exit record: code $1 or null, reason $2. What cannot be written as a file is kept in a link, which needs no block.
put_exit() {
  wb_bytes=$(wc -c 2>/dev/null <"$wb_dir/log")
  wb_ended=$(time_of_day)
  put_record exit "{\"v\":1,\"run\":\"$wb_run\",\"attempt\":$wb_attempt,\"fence\":$wb_fence,\"code\":$1,\"reason\":\"$2\",\"log_bytes\":$((wb_bytes + 0)),\"artifacts_manifest_hash\":$wb_manifest,\"started\":$wb_started,\"ended\":$wb_ended}" ||
    ln -s "$1|$2|$wb_fence|$wb_ended" "$wb_dir/exit" || return 1
  sync "$wb_dir" 2>/dev/null || sync
}

sha256() {
  if command -v sha256sum >/dev/null 2>&1; then sha256sum "$@"
  elif command -v shasum >/dev/null 2>&1; then shasum -a 256 "$@"
  else openssl dgst -sha256 -r "$@"; fi
}

# Lists the hash of every file below the working directory.
hash_files() {
  command -v sha256sum >/dev/null 2>&1 && set -- sha256sum || set -- shasum -a 256
  command -v "$1" >/dev/null 2>&1 || set -- openssl dgst -sha256 -r
  find . -type f -exec "$@" {} +
}

# Lists the hash of every artifact in `artifacts.manifest` and sets wb_manifest to the list's own hash. The hash is taken
# of what was found, not of what the disk had room for.
seal_artifacts() {
  wb_manifest=null
  [ -d "$wb_dir/artifacts" ] && [ ! -L "$wb_dir/artifacts" ] && cd "$wb_dir/artifacts" || return 0
  for wb_file in * .[!.]* ..?*; do
    [ -e "$wb_file" ] || [ -L "$wb_file" ] || continue
    wb_hash=$(hash_files | tee "$wb_dir/artifacts.manifest" | sha256)
    wb_manifest="\"${wb_hash%% *}\""
    break
  done
  cd /
}

