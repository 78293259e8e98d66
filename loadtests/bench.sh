#!/usr/bin/env bash
# Every scenario at full size, each against a hub of its own. Reports and pages go to target/bench.
# bench.sh LISTEN "MEETINGS…" "LOADS…"
set -euo pipefail
listen=$1 meetings=$2 loads=$3
bench=target/bench
hub=
trap '[ -z "$hub" ] || kill "$hub" 2>/dev/null || true' EXIT

# play NAME SCENARIO [OPTION…]: a fresh hub, one run, and the hub's end.
play() {
  local name=$1 scenario=$2
  shift 2
  echo "$name: $bench/$name.json"
  target/release/hub serve --demo --listen "$listen" --data "$bench/$name-data" >"$bench/$name-hub.log" 2>&1 &
  hub=$!
  until curl --silent --fail --output /dev/null "http://$listen/readyz"; do
    kill -0 "$hub" 2>/dev/null || { cat "$bench/$name-hub.log"; exit 1; }
    sleep 0.5
  done
  local well=0
  target/release/loadtests run "loadtests/scenarios/$scenario.toml" \
    --hub "http://$listen" --report "$bench/$name.json" "$@" || well=1
  kill "$hub" && wait "$hub" || true
  hub=
  rm -rf "$bench/$name-data"
  return $well
}

rm -rf "$bench" && mkdir -p "$bench"
failed=()
for n in $meetings; do
  play "whole-meeting-$n" whole-meeting --meetings "$n" || failed+=("whole-meeting-$n")
done
for load in $loads; do
  play "$load" "$load" || failed+=("$load")
done
[ ${#failed[@]} = 0 ] || { echo "failed: ${failed[*]}"; exit 1; }
