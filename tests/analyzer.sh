#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# clang's static analyzer over the core, the programs, the driver, and what tests run
# natively and in guests: what it warns of.
# Where it is wrong, a NOLINT beside the place says why it is.
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
	esac
	tidy "$1" -- -std=gnu11 -O2 -pthread -Iinclude/uapi -Idrivers/sivshmem \
		-Iuserspace -Iuserspace/libsivshmem/include \
		-DLIBSIVSHMEM_VERSION='"0"' "${more[@]}"
}
export -f user_file

# The flags of the kernel's gcc that clang has, too: those that say what the code is.
kernel_file() {
	local file=$PWD/$1 flags=() word words

	words=$(sed -n 's/^\(saved\)\?cmd_[^ ]* := *[^ ]*gcc[^ ]* //p' \
		"build/modules/${1%/*}/.$(basename "$1" .c).o.cmd")
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

make -s modules KDIR="$KDIR" >/dev/null
mapfile -t user < <(git ls-files 'userspace/*.c' 'keys/*.c' 'drivers/sivshmem/core/*.c' \
	'tests/unit/*.c' 'tests/guest/*.c' 'tests/qemu/*.c')
mapfile -t kernel < <(git ls-files 'drivers/sivshmem/*.c' ':!drivers/sivshmem/core' \
	':!drivers/sivshmem/tests')
if [ ${#user[@]} -eq 0 ] || [ ${#kernel[@]} -eq 0 ]; then
	echo "git knows no sources here: nothing was looked at"
	exit 1
fi
printf '%s\n' "${user[@]}" | xargs -P "$(nproc)" -I@ bash -c 'user_file @'
printf '%s\n' "${kernel[@]}" | xargs -P "$(nproc)" -I@ bash -c 'kernel_file @'
