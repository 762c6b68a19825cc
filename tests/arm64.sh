#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# KUnit and the most important cases in arm64 guests, on QEMU's board `virt`: Debian 12's
# kernel, and trixie's with pages of 16 KiB. The daemon and the tests run natively; what
# guests run is cross-compiled (tests/kernels.sh).
#
#   tests/arm64.sh [-k TEXT]...      other cases than those
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
[ $# -gt 0 ] || set -- -k boot. -k data. -k keys. -k life. -k map. -k pages.

# suite NAME SUITE [-k TEXT]...: run it, and keep its count.
suite() {
	local folder=$top/build/kernels/$1 log count

	log=$(mktemp "$top/build/arm64.XXXXXX")
	echo "=== $2, kernel $(cat "$folder/kernel/include/config/kernel.release")"
	SIV_ARCH=arm64 SIV_BUILD=$folder SIV_KERNEL=$folder/kernel SIV_MEMORY=384 \
		"$top/tests/qemu/run.py" "${@:2}" 2>&1 | tee "$log" | sed '$d' || true
	count=$(tail -n 1 "$log")
	rm "$log"
	[[ $count =~ ^[0-9]+\ passed,\ [0-9]+\ failed ]] || count='0 passed, 1 failed, 0 skipped'
	[[ $count =~ ^[1-9][0-9]*\ passed,\ 0\ failed ]] || failed=1
	counts+=$count$'\n'
}

failed=0 counts=''
"$top/tests/kernels.sh" arm64 arm64-16k
for name in arm64 arm64-16k; do
	suite "$name" kunit
	suite "$name" qemu "$@"
done
awk '{ p += $1; f += $3; s += $5 }
	END { print p " passed, " f " failed, " s " skipped" }' <<<"${counts%$'\n'}"
exit "$failed"
