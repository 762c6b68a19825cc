#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The suites in guests with a kernel for finding mistakes, or for counting what runs
# (tests/debug/kernel.sh).
#
#   tests/debug/run.sh kasan         all of it: does it find mistakes, what the kernel can
#                                    make fail, KUnit, every case, each allocation failed
#   tests/debug/run.sh kasan smoke   the first two, KUnit, a few laboratories
#   tests/debug/run.sh kcsan         does it find races, and the data path
#   tests/debug/run.sh gcov          KUnit, every case, each allocation failed; what they
#                                    ran of the driver: build/coverage/guests
#   tests/debug/run.sh KIND -k TEXT  cases with such names alone, -k as often as you like
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
kind=${1:?usage: $0 kasan|kcsan|gcov [smoke|-k TEXT]} part=${2:-}
out=$top/build/kernels/$kind
counts=$top/build/coverage/guests
settings=(SIV_SLOW=4)
flags=(UBSAN_SANITIZE=y)
case $kind in
kasan) settings+=(SIV_MEMORY=640 SIV_APPEND="panic_on_warn=1 hung_task_panic=1") ;;
kcsan) settings+=(SIV_MEMORY=640 SIV_CPUS=2 SIV_APPEND="kcsan.early_enable=1") ;;
gcov)
	settings+=(SIV_COUNTS="$counts")
	# on two processors no count is lost
	flags=(GCOV_PROFILE=y KCFLAGS="-fprofile-update=atomic -include $top/tests/coverage/kernel.h")
	;;
esac
kernel=$("$top/tests/debug/kernel.sh" "$kind")

# Modules for this kernel, in a folder of their own.
compile() {
	local folder

	mkdir -p "$out/modules/drivers"
	cp -ru "$top/include" "$top/Kbuild" "$out/modules"
	cp -ru "$top/drivers/sivshmem" "$out/modules/drivers"
	mkdir -p "$out/test-modules"
	cp -u "$top"/tests/modules/* "$out/test-modules"
	"$top/tests/kunit/mkkunit.sh" --sources "$out/kunit" "$("$top/tests/kernel-source.sh")"
	for folder in modules test-modules kunit; do
		make -s -C "$kernel" M="$out/$folder" "${flags[@]}" "-j$(nproc)" modules
	done
	ln -sfn ../../user "$out/user"
}

# suite NAME [-k TEXT]...
suite() {
	local line ended=

	while read -r line; do
		if [[ $line =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped$ ]]; then
			passed=$((passed + BASH_REMATCH[1]))
			failed=$((failed + BASH_REMATCH[2]))
			skipped=$((skipped + BASH_REMATCH[3]))
			[ "${BASH_REMATCH[1]}" -gt 0 ] || failed=$((failed + 1))
			ended=1
		else
			echo "$line"
		fi
	done < <(env SIV_BUILD="$out" SIV_KERNEL="$kernel" "${settings[@]}" \
		"$top/tests/qemu/run.py" "$@" 2>&1)
	[ "$ended" ] || failed=$((failed + 1))
}

passed=0 failed=0 skipped=0
mkdir -p "$out"
set +e # not so: compile || ..., for then no error would end it
(set -e; compile) >"$out/log" 2>&1
status=$?
set -e
[ $status -eq 0 ] || {
	tail -n 20 "$out/log"
	exit 1
}
[ "$kind" != gcov ] || rm -rf "$counts"
case $kind,$part in
*,-k | gcov,*) ;;
kcsan,*) suite debug -k control. ;;
*) suite debug ;;
esac
if [ "$part" = -k ]; then
	suite qemu "${@:2}"
elif [ "$kind" = kcsan ]; then
	suite qemu -k data. -k waits. -k bells. -k churn.
elif [ "$part" = smoke ]; then
	suite kunit
	suite qemu -k data. -k churn. -k faults. -k remains.
else
	suite kunit
	SIV_FAULTS=all suite qemu
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
