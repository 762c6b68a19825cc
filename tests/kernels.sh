#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Compiles the module, its KUnit suites and the tests' modules for later Debian
# releases' kernels; a warning (W=1) is a failure. What comes of it, with the kernel,
# is a folder that the guests can run (tests/matrix.sh): build/kernels/RELEASE.
#
#   tests/kernels.sh [RELEASE...]      trixie and forky, if none is named
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=tests/debian.sh
. "$top/tests/debian.sh"
packages=(linux-headers-amd64 linux-image-amd64 linux-source base-files dash bash make
	coreutils sed grep mawk findutils perl)

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
			-C "/usr/src/$headers" M=/work W=1 CONFIG_SIVSHMEM=m modules
	done >"$1/log" 2>&1 || return 1
	# KUnit itself is not ours, and is not compiled for W=1
	! grep -iE 'warning|error:' "$1/log" | grep -vE '(^|/)(lib|include/kunit)/'
}

# The kernel as SIV_KERNEL names it, and the parts where the guests' tests look.
arrange() {
	local release=${headers#linux-headers-} image

	image=$(find "$tree/boot" "$tree/usr/lib/modules/$release" \
		-maxdepth 1 -name 'vmlinuz*' -type f | head -n 1)
	mkdir -p "$1"/kernel/{include/config,arch/x86/boot,lib/modules}
	echo "$release" >"$1/kernel/include/config/kernel.release"
	ln -s "$image" "$1/kernel/arch/x86/boot/bzImage"
	cp -r "$tree/usr/lib/modules/$release" "$1/kernel/lib/modules"
	/sbin/depmod -b "$1/kernel" "$release"
	ln -s ../../user "$1/user"
}

number=0 failed=0
[ $# -gt 0 ] || set -- trixie forky
for release; do
	debian_fetch kernel "$release" "${packages[@]}"
	headers=$(basename "$tree"/usr/src/linux-headers-*-amd64)
	out=$top/build/kernels/$release
	sources "$out"
	if compile "$out" && arrange "$out"; then
		echo "ok $((++number)) $release: no warning with ${headers#linux-headers-}"
	else
		echo "not ok $((++number)) $release: see build/kernels/$release/log"
		failed=1
	fi
done
echo "1..$number"
exit "$failed"
