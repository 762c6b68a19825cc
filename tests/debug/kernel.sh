#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Builds a kernel for finding mistakes, or for counting what runs (gcov), and prints its
# folder, which is what SIV_KERNEL names: its modules are built against it, its guests
# boot it.
#
#   tests/debug/kernel.sh kasan|kcsan|gcov
#
# From Debian's linux-source and tests/debug/*.config. It takes ten minutes on two idle
# processors, and is kept in the cache.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/sivshmem
kind=${1:?usage: $0 kasan|kcsan|gcov}
series=$(dpkg-query -W -f '${Depends}' linux-headers-amd64 |
	sed -n 's/.*linux-headers-\([0-9]*\.[0-9]*\).*/\1/p')
package=linux-source-$series

# What external modules need of a built tree, and what is booted; the rest is 2 GB.
prune() {
	local name

	for name in * .[!.]*; do
		case $name in
		Makefile | .config | Module.symvers | include | scripts | arch | tools | lib) ;;
		*) rm -rf "$name" ;;
		esac
	done
	find lib -mindepth 1 -maxdepth 1 ! -name modules -exec rm -rf {} +
	find tools -mindepth 1 -maxdepth 1 ! -name objtool -exec rm -rf {} +
	find arch -mindepth 1 -maxdepth 1 ! -name x86 -exec rm -rf {} +
	find arch -name '*.[coaS]' -type f -delete
	find arch/x86/boot -type f ! -name bzImage ! -name Makefile -delete
}

build() {
	tar --strip-components=1 -xJf "/usr/src/$package.tar.xz"
	# faults in one module alone: on x86, too, where the kernel can follow a stack now
	sed -i '/^config FAULT_INJECTION_STACKTRACE_FILTER/,/select/s/depends on !X86_64//' \
		lib/Kconfig.debug
	cat "$here/common.config" "$here/$kind.config" >all.config
	KCONFIG_ALLCONFIG=all.config make -s ARCH=x86 allnoconfig
	# a wish that the kernel does not grant would pass unseen
	missing=$(grep -vxFf .config <(grep '=[ym]$' all.config) || true)
	[ -z "$missing" ] || { echo "not granted: $missing"; return 1; }
	make -s ARCH=x86 "-j$(nproc)" bzImage modules
	make -s ARCH=x86 INSTALL_MOD_PATH="$PWD" modules_install
	rm -f lib/modules/*/build lib/modules/*/source
	prune
}

version=$(dpkg-query -W -f '${Version}' "$package")
compiler=$(gcc -dumpfullversion)
key=$(cat "$here/common.config" "$here/$kind.config" <(declare -f build prune) |
	cat - <(echo "$version $compiler") | sha256sum | cut -c1-20)
folder=$cache/kernel-$kind-$key
mkdir -p "$cache"
if [ ! -d "$folder" ]; then
	work=$(mktemp -d "$cache/.kernel.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	echo "kernel: building the $kind kernel, $package $version" >&2
	set +e # not so: ( build ) || ..., for then no error would end it
	(set -e; cd "$work"; build) >"$cache/kernel-$kind.log" 2>&1
	status=$?
	set -e
	if [ $status -ne 0 ]; then
		echo "kernel: no $kind kernel: see $cache/kernel-$kind.log" >&2
		tail -n 20 "$cache/kernel-$kind.log" >&2
		exit 1
	fi
	# Somebody else may have been faster, with the same content.
	mv -T "$work" "$folder" 2>/dev/null || [ -d "$folder" ]
fi
echo "$folder"
