#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The same tests again and again: one that fails once in a hundred times has failed.
#
#   tests/nightly.sh [NATIVE [GUESTS]]
#
# NATIVE rounds of the native suites (100), then GUESTS of those in guests (10). Every
# round's output is kept in build/nightly/, and of a round with a failure all its logs.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
logs=$top/build/nightly/$(date +%Y%m%d-%H%M%S)
passed=0 failed=0 skipped=0

# keep NAME: the round's logs.
keep() {
	mkdir "$logs/$1"
	cp -r "$top/build/logs" "$top/build/qemu-logs" "$logs/$1" 2>/dev/null || true
}

# rounds NUMBER NAME SUITE...
rounds() {
	local number=$1 name=$2 i round last start
	shift 2

	for ((i = 1; i <= number; i++)); do
		round=$(printf '%s-%03d' "$name" "$i")
		start=$SECONDS
		"$top/tests/run.py" "$@" >"$logs/$round.log" 2>&1 || true
		last=$(tail -n 1 "$logs/$round.log")
		if [[ $last =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped$ ]]; then
			passed=$((passed + BASH_REMATCH[1]))
			failed=$((failed + BASH_REMATCH[2]))
			skipped=$((skipped + BASH_REMATCH[3]))
			[ "${BASH_REMATCH[2]}" -eq 0 ] || keep "$round"
		else
			failed=$((failed + 1))
			keep "$round"
		fi
		echo "$name $i of $number: $last ($((SECONDS - start)) s)"
		grep -aE '^(FAIL|not ok)' "$logs/$round.log" || true
	done
}

mkdir -p "$logs"
exec > >(tee "$logs/summary.log")
rounds "${1:-100}" native unit daemon
rounds "${2:-10}" guests kunit qemu
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
