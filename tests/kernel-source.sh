#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Prints a folder with the parts of the kernel's source that we use: KUnit
# (include/kunit, lib/kunit), scripts/checkpatch.pl and scripts/coccinelle. They
# come out of the linux-source package once and stay in the cache.
set -eu

krel=${KREL:-$(dpkg-query -W -f '${Depends}' linux-headers-amd64 |
	sed -n 's/.*linux-headers-\([^ ,]*\).*/\1/p')}
series=$(cut -d. -f1,2 <<<"$krel")
package=linux-source-$series
version=$(dpkg-query -W -f '${Version}' "$package")
cache=${XDG_CACHE_HOME:-$HOME/.cache}/sivshmem
folder=$cache/source-$(sha256sum <<<"$package $version 2" | cut -c1-20)

if [ ! -d "$folder" ]; then
	mkdir -p "$cache"
	work=$(mktemp -d "$cache/.source.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	tar -C "$work" --strip-components=1 --wildcards \
		-xJf "/usr/src/$package.tar.xz" "$package/include/kunit/*" \
		"$package/lib/kunit/*" "$package/scripts/checkpatch.pl" \
		"$package/scripts/coccinelle/*" "$package/scripts/spelling.txt" \
		"$package/scripts/const_structs.checkpatch"
	# Somebody else may have been faster, with the same content.
	mv -T "$work" "$folder" 2>/dev/null || [ -d "$folder" ]
fi
echo "$folder"
