#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# clang's static analyzer over all C, the tests' too: what it warns of.
# Where it is wrong, a NOLINT beside the place says why it is. Of a failed
# assertion, which does not return, tests/analyzer/ tells it.
set -eu
cd "$(dirname "$0")/.."

# It would have us call memcpy_s(), which no C library here has.
export checks='-*,clang-analyzer-*,-clang-analyzer-security.insecureAPI.*'

# One file a process: with several it takes every va_list for uninitialized.
tidy() {
	local output status=0

	output=$(clang-tidy-14 --quiet --checks="$checks" --warnings-as-errors='*' "$@" 2>&1) ||
		status=$?
	grep -E ' (warning|error):' <<<"$output" && return
	[ $status -eq 0 ] || printf '%s: clang-tidy failed (%s): %s\n' "$1" $status "$output"
}
export -f tidy

user_file() {
	local more=()

	case $1 in
	*/lie.c) more=(-DSIV_DISHONEST) ;;
	*/abi32.c) more=(-m32 -ffreestanding -idirafter "/usr/include/$(gcc -print-multiarch)") ;;
	tests/coverage/*)
		more=(-idirafter "$(dirname "$(gcc -print-file-name=include/gcov.h)")")
		;;
	esac
	tidy "$1" -- -std=gnu11 -O2 -pthread -Itests/analyzer -Iinclude/uapi \
		-Idrivers/sivshmem -Iuserspace -Iuserspace/libsivshmem/include \
		-Ibuild/user/gen -Itests/unit -Itests/daemon \
		-DLIBSIVSHMEM_VERSION='"0"' "${more[@]}"
}
export -f user_file

# A file where it was built for a kernel. Of the flags of the kernel's gcc those that clang
# has, too, and that say what the code is.
kernel_file() {
	local file=$PWD/$1 flags=(-I"$PWD/tests/analyzer") word words

	words=$(sed -n 's/^\(saved\)\?cmd_[^ ]* := *[^ ]*gcc[^ ]* //p' \
		"${1%/*}/.$(basename "$1" .c).o.cmd")
	[ -n "$words" ] || echo "$1: not built"
	eval "set -- ${words%%;*}"
	while [ $# -gt 0 ]; do
		word=$1
		shift
		case $word in
		-include | -idirafter | -isystem)
			flags+=("$word" "$1")
			shift
			;;
		-I* | -D* | -U* | -std=* | -nostdinc | -m64 | -mcmodel=* | -fshort-wchar)
			flags+=("$word")
			;;
		esac
	done
	cd "$KDIR" && tidy "$file" -- "${flags[@]}" -w
}
export -f kernel_file

KREL=${KREL:-$(dpkg-query -W -f '${Depends}' linux-headers-amd64 |
	sed -n 's/.*linux-headers-\([^ ,]*\).*/\1/p')}
export KDIR=${KDIR:-/lib/modules/$KREL/build}

# Their suites are analysed where KUnit is ours; what hands them to a kernel's is not built.
here() {
	git ls-files --cached --others --exclude-standard -- "$@" ':!*/siv_suites.c' |
		while read -r file; do [ -f "$file" ] && echo "$file"; done
}
mapfile -t user < <(here 'userspace/*.c' 'keys/*.c' 'drivers/sivshmem/core/*.c' 'tests/*.c' \
	':!tests/modules' ':!tests/kunit')
mapfile -t kernel < <(here 'drivers/*.c' 'tests/modules/*.c' 'tests/kunit/*.c' \
	':!drivers/sivshmem/core' | sed -e 's,^tests/modules/,build/test-modules/,' \
	-e 's,^drivers/sivshmem/tests/,build/kunit/driver/tests/,' \
	-e 's,^tests/kunit/kunit_,build/kunit/,' -e 's,^drivers/,build/modules/&,')
if [ ${#user[@]} -eq 0 ] || [ ${#kernel[@]} -eq 0 ]; then
	echo "git knows no sources here: nothing was looked at"
	exit 1
fi
built=$(make -s modules test-modules kunit-modules KDIR="$KDIR" 2>&1 &&
	make -s -f userspace/Makefile build/user/gen/siv_vectors.h \
		build/user/gen/wire-doc.h 2>&1) || {
	echo "$built"
	exit 1
}
printf '%s\n' "${user[@]}" | xargs -P "$(nproc)" -I@ bash -c 'user_file @'
printf '%s\n' "${kernel[@]}" | xargs -P "$(nproc)" -I@ bash -c 'kernel_file @'
