#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# In a kernel's own tree the driver's KUnit suites are built and run by that kernel's
# kunit.py with drivers/sivshmem/.kunitconfig, on User-Mode Linux, and pass.
#
#   tests/kunit/uml.sh [-k TEXT]      only cases with this in their name are reported
#
# The tree is Debian's linux-source with the driver put in. It and what is built of it
# stay in the cache: the first run takes some minutes, the next ones build what changed.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/sivshmem
log=$top/build/logs/uml.log
series=$(dpkg-query -W -f '${Depends}' linux-headers-amd64 |
	sed -n 's/.*linux-headers-\([0-9]*\.[0-9]*\).*/\1/p')
package=linux-source-$series

# The source without what no UML reads: 0.5 GB instead of 1.4.
unpack() {
	tar --strip-components=1 --exclude='*.dts' --exclude='*.dtsi' \
		--exclude='*/Documentation/*/*' --exclude='*/arch/[!ux]*/*.[chS]' \
		--exclude='*/drivers/gpu/drm/*.[ch]' --exclude='*/drivers/media/*.[ch]' \
		--exclude='*/drivers/net/*/*.[ch]' --exclude='*/sound/*.[ch]' \
		-xJf "/usr/src/$package.tar.xz"
}

key=$({ dpkg-query -W -f '${Version}' "$package" && declare -f unpack; } |
	sha256sum | cut -c1-20)
folder=$cache/uml-$key
mkdir -p "$cache" "${log%/*}"
if [ ! -d "$folder" ]; then
	work=$(mktemp -d "$cache/.uml.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	echo "# unpacking $package"
	mkdir "$work/linux" "$work/build"
	(cd "$work/linux" && unpack)
	# Somebody else may have been faster, with the same content.
	mv -T "$work" "$folder" 2>/dev/null || [ -d "$folder" ]
fi

# One at a time: whoever comes second finds everything built.
exec 9>"$folder/lock"
flock 9
rm -f "$folder/build/test.log"
"$here/mkkunit.sh" --tree "$folder/linux"
echo "# building and running a kernel: $(basename "$log")"
status=0
(cd "$folder/linux" && ./tools/testing/kunit/kunit.py run "--jobs=$(nproc)" --timeout=900 \
	--kunitconfig=drivers/sivshmem/.kunitconfig --build_dir="$folder/build") \
	>"$log" 2>&1 </dev/null 9>&- || status=$?
if [ -e "$folder/build/test.log" ]; then
	cp "$folder/build/test.log" "${log%.log}-kernel.log"
else
	: >"${log%.log}-kernel.log"
	tail -n 20 "$log"
fi
flock -u 9
python3 "$here/count.py" "$@" "${log%.log}-kernel.log" "$status"
