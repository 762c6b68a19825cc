#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The same tests again and again: one that fails once in a hundred times has failed.
#
#   tests/nightly.sh [NATIVE [GUESTS]]
#
# NATIVE rounds of the native suites (100), then GUESTS of those in guests (10). Native
# rounds wait more than they compute: LANES of them (two for each processor) go on at
# once. Every round's output is kept below the cache's nightly/, which `make clean`
# leaves alone, and of a round with a failure all its logs.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/sivshmem
lanes=${LANES:-$((2 * $(nproc)))}
count='^([0-9]+) passed, ([0-9]+) failed, ([0-9]+) skipped$'

# round LOGS NAME SUITE...: one round; what it came to is its log's last line.
round() {
	local logs=$1 name=$2 start=$SECONDS last
	shift 2

	"$top/tests/run.py" --logs "$logs/$name" "$@" >"$logs/$name.log" 2>&1 || true
	last=$(tail -n 1 "$logs/$name.log")
	if [[ $last =~ $count ]] && [ "${BASH_REMATCH[2]}" -eq 0 ]; then
		rm -rf "${logs:?}/$name"
	elif [[ $name == guests-* ]]; then
		cp -r "$top/build/qemu-logs" "$logs/$name"
	fi
	# at once, for others are at it, too
	last="$name: $last ($((SECONDS - start)) s)"
	printf '%s\n' "$last$(grep -aE '^(FAIL|not ok)' "$logs/$name.log" | sed '1s/^/\n/')"
}

# rounds NUMBER LANES NAME SUITE...
rounds() {
	local number=$1 lanes=$2 name=$3
	shift 3
	seq -f "$name-%03.0f" 1 "$number" |
		xargs -r -P "$lanes" -I '{}' "$0" round "$logs" '{}' "$@"
}

if [ "${1:-}" = round ]; then
	shift
	round "$@"
	exit
fi

logs=$cache/nightly/$(date +%Y%m%d-%H%M%S)
mkdir -p "$logs"
exec > >(tee "$logs/summary.log")
echo "every round's output: $logs"
make -s -C "$top" -f userspace/Makefile all tests san -j"$(nproc)"
rounds "${1:-100}" "$lanes" native unit daemon
rounds "${2:-10}" 1 guests kunit qemu demo smoke
# a round that ended without its count is a failure
tail -qn 1 "$logs"/*-[0-9]*.log | awk '
	/^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/ { p += $1; f += $3; s += $5; next }
	{ f++ }
	END { printf "%d passed, %d failed, %d skipped\n", p, f, s; exit f || !p }'
