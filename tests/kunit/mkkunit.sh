#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Builds build/kunit/kunit.ko and build/kunit/sivshmem-kunit.ko for a stock kernel
# that has no KUnit: lib/kunit of the same kernel's source, with the little glue that
# kunit_compat.h and the edits below are, and our suites with the code they test.
set -euo pipefail

top=$(cd "$(dirname "$0")/../.." && pwd)
out=$top/build/kunit
krel=${KREL:-$(dpkg-query -W -f '${Depends}' linux-headers-amd64 |
	sed -n 's/.*linux-headers-\([^ ,]*\).*/\1/p')}
kdir=${KDIR:-/lib/modules/$krel/build}
driver=$top/drivers/sivshmem

# Write standard input to a file unless it says so already: keeps make's work small.
put() {
	mkdir -p "$(dirname "$1")"
	cat >"$1.new"
	if cmp -s "$1.new" "$1"; then rm "$1.new"; else mv "$1.new" "$1"; fi
}

# lib/kunit without its own tests and debugfs. struct task_struct of the stock kernel
# has no kunit_test: one test runs at a time, so a global does.
kunit_sources() {
	local source=$1 file

	for file in "$source"/lib/kunit/*.[ch] "$source"/include/kunit/*.h; do
		case $file in
		*-test.c | *_test.c | */debugfs.c | */user_alloc.c) continue ;;
		*/include/*) name=include/kunit/$(basename "$file") ;;
		*) name=lib/$(basename "$file") ;;
		esac
		sed 's/current->kunit_test/kunit_cur_test/g' "$file" | put "$out/$name"
	done
	put "$out/lib/current.c" <<-'X'
		// SPDX-License-Identifier: GPL-2.0-only
		struct kunit *kunit_cur_test;
		EXPORT_SYMBOL_GPL(kunit_cur_test);
		MODULE_DESCRIPTION("KUnit, for a kernel that was built without it");
	X
}

# Kbuild writes beside the sources, so they are linked into a folder of their own.
driver_sources() {
	local file

	find "$out/driver" -type l ! -exec test -e {} \; -delete 2>/dev/null || :
	(cd "$driver" && find . -name '*.[ch]' ! -name '*.mod.c') |
		while read -r file; do
			[ -L "$out/driver/$file" ] && continue
			mkdir -p "$out/driver/$(dirname "$file")"
			ln -sf "$driver/$file" "$out/driver/$file"
		done
}

# Certificates are made once: their dates must be good whenever the tests run.
generated() {
	local header=$out/include/siv_keys_fixture.h

	if [ ! "$header" -nt "$top/tests/kunit/gen-keys.py" ]; then
		python3 "$top/tests/kunit/gen-keys.py" | put "$header"
		touch "$header"
	fi
	if [ -e "$top/tests/vectors/gen-kunit.py" ]; then
		python3 "$top/tests/vectors/gen-kunit.py" | put "$out/include/siv_vectors.h"
	fi
}

objects() {
	(cd "$out" && ls "$@") | sed 's/\.c$/.o/' | tr '\n' ' '
}

makefile() {
	put "$out/Kbuild" <<-X
		LINUXINCLUDE := -I$out/include \$(LINUXINCLUDE)
		ccflags-y += -include $top/tests/kunit/kunit_compat.h -I$out/driver
		ccflags-y += -idirafter $top/include/uapi -DSIV_BUILD_TIME=1700000000
		obj-m += kunit.o sivshmem-kunit.o
		kunit-y := $(cd "$out" && objects lib/*.c)
		sivshmem-kunit-y := $(cd "$out" && objects driver/core/*.c driver/tests/*.c)
		sivshmem-kunit-y += driver/device.o driver/crypto.o driver/keys.o
		sivshmem-kunit-y += driver/mailbox.o driver/event.o
		CFLAGS_driver/event.o += -I$out/driver
	X
}

kunit_sources "$("$top/tests/kernel-source.sh")"
driver_sources
generated
makefile
make -C "$kdir" M="$out" "$@" modules
