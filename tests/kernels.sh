#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Compiles the module, its KUnit suites and the tests' modules for other kernels of
# Debian's than this machine's; a warning (W=1) is a failure. What comes of it, with the
# kernel, is a folder that the guests can run (tests/matrix.sh, tests/arm64.sh):
# build/kernels/NAME.
#
#   tests/kernels.sh [NAME...]      trixie and forky, if none is named
#
# NAME: a later release, or arm64 (Debian 12's) or arm64-16k (trixie's with pages of
# 16 KiB), cross-compiled; arm64 has the guests' programs and what Debian's they need, too.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=tests/debian.sh
. "$top/tests/debian.sh"
base=(linux-source base-files dash bash make coreutils sed grep mawk findutils perl)

# fetch NAME: sets tree, headers and cross.
fetch() {
	local names release

	foreign='' cross=()
	case $1 in
	arm64) foreign=arm64 release=bookworm ;;
	arm64-16k) foreign=arm64 release=trixie ;;
	*)
		debian_fetch kernel "$1" linux-headers-amd64 linux-image-amd64 "${base[@]}"
		headers=$(basename "$tree"/usr/src/linux-headers-*-amd64)
		return
		;;
	esac
	# the programs for building are this machine's kind
	debian_open "$release"
	mapfile -t names < <(debian_needs "linux-image-$1:arm64" "linux-headers-$1:arm64" |
		grep -E "^linux-(image|headers)-[0-9].*-$1:|^linux-headers-[0-9].*-common$|\
^linux-kbuild-[^:]*$")
	[ "$1" != arm64 ] || names+=({busybox-static,keyutils,libkeyutils1,libc6}:arm64
		{libc6,libkeyutils,libssl}-dev:arm64 linux-libc-dev:arm64)
	debian_fetch "kernel-$1" "$release" "${base[@]}" gcc-aarch64-linux-gnu "${names[@]}"
	headers=$(basename "$tree"/usr/src/linux-headers-*"-$1")
	cross=(ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu-)
}

# Of the kernel's source KUnit alone; modules as files that any insmod reads.
debian_finish() {
	local archive

	ln -sf mawk "$1/usr/bin/awk"
	archive=$(find "$1/usr/src" -name 'linux-source-*.tar.xz')
	mkdir "$1/usr/src/kunit"
	tar -C "$1/usr/src/kunit" --strip-components=1 --wildcards -xJf "$archive" \
		'*/include/kunit/*' '*/lib/kunit/*'
	rm "$archive"
	find "$1/usr/lib/modules" -name '*.ko.xz' -exec unxz {} +
}

# The module, the tests' own and the suites, each as it is built anywhere.
sources() {
	rm -rf "$1"
	mkdir -p "$1/modules/drivers"
	cp -r "$top/include" "$1/modules"
	cp -r "$top/tests/modules" "$1/test-modules"
	cp -r "$top/drivers/sivshmem" "$1/modules/drivers"
	cp "$top/Kbuild" "$1/modules"
	"$top/tests/kunit/mkkunit.sh" --sources "$1/kunit" "$tree/usr/src/kunit"
}

compile() {
	local folder

	for folder in modules test-modules kunit; do
		debian_run "$tree" "$1/$folder" make -k "-j$(nproc)" \
			-C "/usr/src/$headers" M=/work W=1 CONFIG_SIVSHMEM=m "${cross[@]}" \
			modules || return 1
	done >"$1/log" 2>&1 || return 1
	# KUnit itself is not ours, and is not compiled for W=1
	! grep -iE 'warning|error:' "$1/log" | grep -vE '(^|/)(lib|include/kunit)/'
}

# programs FOLDER: the guests' own, by the same compiler, into FOLDER/user; and the
# daemon and whatever else is the host's.
programs() {
	debian_run "$tree" "$top" make -s -C /work -f userspace/Makefile "B=${1#"$top/"}/user" \
		CC=aarch64-linux-gnu-gcc AR=aarch64-linux-gnu-ar static >>"$1/log" 2>&1 &&
		ln -s ../../../user/sivshmem{d,d-key,ctl} "$1/user"
}

# The kernel as SIV_KERNEL names it, and the parts where the guests' tests look.
arrange() {
	local image release=${headers#linux-headers-} boot=arch/x86/boot/bzImage

	[ -z "$foreign" ] || boot=arch/arm64/boot/Image
	image=$(find "$tree/boot" "$tree/usr/lib/modules/$release" \
		-maxdepth 1 -name 'vmlinuz*' -type f | head -n 1)
	mkdir -p "$1"/kernel/{include/config,lib/modules,"$(dirname "$boot")"}
	echo "$release" >"$1/kernel/include/config/kernel.release"
	ln -s "$image" "$1/kernel/$boot"
	cp -r "$tree/usr/lib/modules/$release" "$1/kernel/lib/modules"
	/sbin/depmod -b "$1/kernel" "$release"
	case $1 in
	*/arm64)
		ln -s "$tree" "$1/root"
		programs "$1"
		;;
	*/arm64-*) ln -s ../arm64/root ../arm64/user "$1" ;;
	*) ln -s ../../user "$1/user" ;;
	esac
}

number=0 failed=0
[ $# -gt 0 ] || set -- trixie forky
for name; do
	fetch "$name"
	out=$top/build/kernels/$name
	sources "$out"
	if compile "$out" && arrange "$out"; then
		echo "ok $((++number)) $name: no warning with ${headers#linux-headers-}"
	else
		echo "not ok $((++number)) $name: see build/kernels/$name/log"
		failed=1
	fi
done
echo "1..$number"
exit "$failed"
