#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The suites in guests with every kernel and every QEMU that we promise.
#
#   tests/matrix.sh          all of it; a table, in build/matrix.txt, too
#   tests/matrix.sh smoke    KUnit and the most important cases with the newest kernel
#   tests/matrix.sh kunit RELEASE... [-k TEXT]
#                            KUnit with these releases' kernels, a line for each; all: all
#
# Kernels: Debian's 6.1 and those of tests/kernels.sh. QEMUs: this machine's and
# trixie's; the latter with the oldest and the newest kernel.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=tests/debian.sh
. "$top/tests/debian.sh"
all=(bookworm trixie forky)
smoke=(-k boot. -k curves. -k data. -k keys. -k life. -k map.)

debian_finish() { rm -rf "$1/usr/share/bash-completion"; }

# qemu_of RELEASE FOLDER: a newer QEMU as one program, in a folder that any user can
# read: the laboratory runs it as somebody else.
qemu_of() {
	local folder=$2

	debian_fetch qemu "$1" qemu-system-x86
	cp -r "$tree/." "$folder"
	cat >"$folder/qemu-system-x86_64" <<-X
		#!/bin/sh
		export QEMU_MODULE_DIR=$folder/usr/lib/x86_64-linux-gnu/qemu
		exec $folder/usr/lib64/ld-linux-x86-64.so.2 --library-path \\
			$folder/usr/lib/x86_64-linux-gnu $folder/usr/bin/qemu-system-x86_64 \\
			-L $folder/usr/share/qemu -L $folder/usr/share/seabios "\$@"
	X
	chmod 755 "$folder" "$folder/qemu-system-x86_64"
}

# suite RELEASE QEMU SUITE [-k TEXT]...: run it with a release's kernel; sets counts.
suite() {
	local release=$1 qemu=$2 log folder=$top/build/kernels/$1
	local -a settings=(SIV_QEMU="$qemu")
	shift 2

	[ "$release" = bookworm ] || settings+=(SIV_BUILD="$folder" SIV_MEMORY=384
		SIV_KERNEL="$folder/kernel")
	log=$(mktemp "$top/build/matrix.XXXXXX")
	env "${settings[@]}" "$top/tests/qemu/run.py" "$@" 2>&1 | tee "$log" | sed '$d' || true
	counts=$(tail -n 1 "$log")
	sed -n 's/^ok [0-9]* \([^ ]*\) # SKIP/\1:/p' "$log" >>"$skips"
	rm "$log"
	[[ $counts =~ ^[1-9][0-9]*\ passed,\ 0\ failed ]] || failed=1
}

# kernel_of RELEASE: which version that is; it was built for.
kernel_of() {
	if [ "$1" = bookworm ]; then
		echo "${KREL:-$(dpkg-query -W -f '${Depends}' linux-headers-amd64 |
			sed -n 's/.*linux-headers-\([^ ,]*\).*/\1/p')}"
	else
		cat "$top/build/kernels/$1/kernel/include/config/kernel.release"
	fi
}

# built RELEASE: module and suites for it, without a warning. Bookworm's are make's.
built() { [ "$1" = bookworm ] || "$top/tests/kernels.sh" "$1"; }

# row RELEASE QEMU SUITE: a suite, and a line for it in the table, with what it skipped.
row() {
	local version kernel

	kernel=$(kernel_of "$1")
	version=$("$2" --version | sed -n '1s/.*version \([0-9.]*\).*/\1/p')
	echo "=== $3, kernel $kernel, QEMU $version"
	: >"$skips"
	suite "$@"
	printf '%-24s %-10s %-6s %s\n' "$kernel" "$version" "$3" "$counts" >>"$table.new"
	sed 's/^/    /' "$skips" >>"$table.new"
}

# sums: lines of counts, added up.
sums() {
	awk '{ p += $1; f += $3; s += $5 }
		END { print p " passed, " f " failed, " s " skipped" }'
}

# kunit RELEASE... [-k TEXT]: one after the other; of what passes only the count.
kunit() {
	local release counts total='' output
	local -a releases=() only=()

	while [ $# -gt 0 ]; do
		case $1 in
		-k) only=(-k "$2") && shift ;;
		*) releases+=("$1") ;;
		esac
		shift
	done
	[ "${releases[*]}" != all ] || releases=("${all[@]}")
	output=$(mktemp "$top/build/matrix.XXXXXX")
	for release in "${releases[@]}"; do
		if built "$release" >"$output" 2>&1; then
			suite "$release" "$here" kunit "${only[@]}" >"$output"
			release=$(kernel_of "$release")
		else
			failed=1 counts='0 passed, 1 failed, 0 skipped'
		fi
		grep -v '^ok ' "$output" || true
		printf '%-24s %s\n' "$release" "$counts"
		total+=$counts$'\n'
	done
	rm "$output"
	printf '%s' "$total" | sums
}

failed=0
skips=$(mktemp)
trap 'rm -rf "$skips"' EXIT
here=$(command -v qemu-system-x86_64)
if [ "${1:-}" = smoke ]; then
	"$top/tests/kernels.sh" forky
	suite forky "$here" kunit
	first=$counts
	suite forky "$here" qemu "${smoke[@]}"
	printf '%s\n%s\n' "$first" "$counts" | sums
	exit "$failed"
fi

if [ "${1:-}" = kunit ]; then
	shift
	kunit "$@"
	exit "$failed"
fi

table=$top/build/matrix.txt
printf '%-24s %-10s %-6s %s\n' kernel QEMU suite result >"$table.new"
newer=$(mktemp -d /tmp/siv-qemu.XXXXXX)
trap 'rm -rf "$skips" "$newer" "$work"' EXIT
qemu_of trixie "$newer"
for release in "${all[@]}"; do
	if ! built "$release"; then
		printf '%-24s the module does not build, or warns\n' "$release" >>"$table.new"
		failed=1
		continue
	fi
	row "$release" "$here" kunit
	row "$release" "$here" qemu
	[ "$release" = trixie ] || row "$release" "$newer/qemu-system-x86_64" qemu
done
mv "$table.new" "$table"
cat "$table"
exit "$failed"
