#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Compiles the module, its KUnit suites and the raw test module against the kernel
# headers of later Debian releases; a warning (W=1) is a failure.
#
#   tests/kernels.sh [RELEASE...]      trixie and forky, if none is named
#
# Packages, a compiler too, come from where the machine's own do, and are unpacked in
# the cache, not installed. Plain users need user namespaces.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/sivshmem
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
packages=(linux-headers-amd64 base-files dash bash make coreutils sed grep mawk findutils perl)

# An apt with one source and nothing installed, which leaves the machine's alone.
apt() {
	apt-get -qq -o Dir::Etc::SourceList="$work/sources.list" \
		-o Dir::Etc::SourceParts=/dev/null -o Dir::Etc::PreferencesParts=/dev/null \
		-o Dir::State="$work" -o Dir::State::Lists="$work/lists" \
		-o Dir::State::Status=/dev/null -o Dir::Cache="$work" \
		-o Dir::Cache::Archives="$work/archives" -o Debug::NoLocking=1 \
		-o APT::Sandbox::User= -o APT::Install-Recommends=false \
		-o Acquire::Languages=none -o Acquire::Retries=3 "$@" </dev/null
}

# Sets tree to the folder of a release's headers and compiler. Its key is what it is
# made of: the packages' names and checksums, and the rules in unpack.
fetch() {
	local mirror key

	mkdir -p "$cache"
	work=$(mktemp -d "$cache/.headers.XXXXXX")
	mkdir -p "$work"/{lists,archives}/partial "$work/tree"
	mirror=$(apt-get indextargets --format "\$(REPO_URI)" 'Created-By: Packages' \
		'Origin: Debian' 'Label: Debian' | head -n 1)
	echo "deb [signed-by=$keyring] ${mirror:?none known: apt-get update} $1 main" \
		>"$work/sources.list"
	apt update
	key=$(apt --print-uris install "${packages[@]}" | awk '/^\047/ { print $2, $4 }' |
		sort | cat - <(declare -f unpack) | sha256sum | cut -c1-20)
	tree=$cache/headers-$1-$key
	if [ ! -d "$tree" ]; then
		echo "# $1: fetching headers and compiler"
		apt -y --download-only install "${packages[@]}" >/dev/null
		unpack "$work/tree"
		rm -rf "$cache/headers-$1"-*
		# Somebody else may have been faster, with the same content.
		mv -T "$work/tree" "$tree" 2>/dev/null || [ -d "$tree" ]
	fi
	rm -rf "$work"
}

unpack() {
	local package
	mkdir -p "$1"/{proc,dev,work}
	for package in "$work"/archives/*.deb; do
		dpkg-deb --fsys-tarfile "$package" |
			tar -C "$1" -x --no-same-owner --keep-directory-symlink \
				--exclude './usr/share/[dlm]*' --exclude './boot' \
				--exclude './usr/lib/modules/*/kernel'
	done
	ln -sf mawk "$1/usr/bin/awk"
}

# Three folders: the module as it is built anywhere, the suites as in mkkunit.sh.
sources() {
	rm -rf "$1"
	mkdir -p "$1/drivers" "$1/suites"
	cp -r "$top/include" "$top/tests/uio" "$1"
	cp -r "$top/drivers/sivshmem" "$1/drivers"
	cp -r "$top/drivers/sivshmem"/*/ "$top/drivers/sivshmem"/*.[ch] \
		"$top/tests/kunit/kunit_compat.h" "$1/suites"
	python3 "$top/tests/kunit/gen-keys.py" >"$1/suites/siv_keys_fixture.h"
	python3 "$top/tests/vectors/gen-kunit.py" >"$1/suites/siv_vectors.h"
	echo 'obj-y += drivers/sivshmem/ uio/ suites/' >"$1/Kbuild"
	cat >"$1/suites/Kbuild" <<-'K'
		ccflags-y += -include $(src)/kunit_compat.h -I$(src)
		ccflags-y += -idirafter $(src)/../include/uapi -DSIV_BUILD_TIME=1700000000
		siv-srcs := $(wildcard $(src)/core/*.c $(src)/tests/*.c)
		obj-m := suites.o
		suites-y := $(siv-srcs:$(src)/%.c=%.o) device.o crypto.o keys.o mailbox.o
	K
}

# Compile in the tree. Stock kernels are without KUnit: only its symbols may miss.
compile() {
	local out=$top/build/kernels/$1 user=()

	sources "$out"
	[ "$(id -u)" -eq 0 ] || user=(--map-root-user)
	# shellcheck disable=SC2016 # for the inner shell
	unshare "${user[@]}" --mount sh -ec '
		mount --rbind /proc "$1/proc"
		mount --rbind /dev "$1/dev"
		mount --bind "$2" "$1/work"
		exec chroot "$1" env -i PATH=/usr/bin:/usr/sbin LC_ALL=C make -k "-j$3" \
			-C "/usr/src/$4" M=/work W=1 CONFIG_SIVSHMEM=m \
			KBUILD_MODPOST_WARN=1 modules' \
		sh "$tree" "$out" "$(nproc)" "$kernel" >"$out/log" 2>&1 || return 1
	! grep -iE 'warning|error:' "$out/log" |
		grep -vE '^WARNING: modpost: "_*kunit_\w+" \[.*suites\.ko\] undefined!'
}

work='' number=0 failed=0
trap 'rm -rf "$work"' EXIT
[ $# -gt 0 ] || set -- trixie forky
for release; do
	fetch "$release"
	kernel=$(basename "$tree"/usr/src/linux-headers-*-amd64)
	if compile "$release"; then
		echo "ok $((++number)) $release: no warning with $kernel"
	else
		echo "not ok $((++number)) $release: see build/kernels/$release/log"
		failed=1
	fi
done
echo "1..$number"
exit "$failed"
