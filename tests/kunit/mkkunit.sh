#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Builds build/kunit/kunit.ko and build/kunit/sivshmem-kunit.ko for a stock kernel
# that has no KUnit: lib/kunit of the same kernel's source, with the little glue that
# kunit_compat.h and the edits below are, and our suites with the code they test.
#
#   tests/kunit/mkkunit.sh [ARGUMENT OF MAKE...]
#   tests/kunit/mkkunit.sh --sources FOLDER SOURCE
#
# The second only fills a folder, with KUnit from SOURCE; it can be built anywhere.
set -euo pipefail

top=$(cd "$(dirname "$0")/../.." && pwd)
driver=$top/drivers/sivshmem

# Write standard input to a file unless it says so already: keeps make's work small.
put() {
	mkdir -p "$(dirname "$1")"
	cat >"$1.new"
	if cmp -s "$1.new" "$1"; then rm "$1.new"; else mv "$1.new" "$1"; fi
}

# lib/kunit without its own tests and debugfs. struct task_struct of the stock kernel
# has no kunit_test: one test runs at a time, so a global does. struct module has no
# suites: ours are handed over when their module is loaded, so nobody looks for them.
kunit_sources() {
	local file name

	for file in "$1"/lib/kunit/*.[ch] "$1"/include/kunit/*.h; do
		case $file in
		*-test.c | *_test.c | */debugfs.c | */user_alloc.c) continue ;;
		*/include/*) name=include/kunit/$(basename "$file") ;;
		*) name=lib/$(basename "$file") ;;
		esac
		sed -e 's/current->kunit_test/kunit_cur_test/g' \
			-e '/^static void kunit_module_init(/,/^};/d' \
			-e '/unregister_module_notifier/d' \
			-e 's/register_module_notifier(&kunit_mod_nb)/0/' "$file" | put "$out/$name"
	done
	put "$out/lib/current.c" <<-'X'
		// SPDX-License-Identifier: GPL-2.0-only
		struct kunit *kunit_cur_test;
		EXPORT_SYMBOL_GPL(kunit_cur_test);
		MODULE_DESCRIPTION("KUnit, for a kernel that was built without it");
	X
}

# Kbuild writes beside the sources, so they are copied into a folder of their own.
driver_sources() {
	local file

	(cd "$driver" && find . -name '*.[ch]' ! -name '*.mod.c') |
		while read -r file; do
			put "$out/driver/$file" <"$driver/$file"
		done
	(cd "$out/driver" && find . -name '*.[ch]' ! -name '*.mod.c') |
		while read -r file; do
			[ -e "$driver/$file" ] || rm "$out/driver/$file"
		done
	put "$out/include/kunit_compat.h" <"$top/tests/kunit/kunit_compat.h"
	put "$out/uapi/linux/sivshmem.h" <"$top/include/uapi/linux/sivshmem.h"
}

# Certificates are made once: their dates must be good whenever the tests run.
generated() {
	local header=$out/include/siv_keys_fixture.h

	if [ ! "$header" -nt "$top/tests/kunit/gen-keys.py" ]; then
		python3 "$top/tests/kunit/gen-keys.py" | put "$header"
		touch "$header"
	fi
	python3 "$top/tests/vectors/gen-kunit.py" | put "$out/include/siv_vectors.h"
}

# The objects of folders.
objects() {
	(cd "$out" && find "$@" -maxdepth 1 -name '*.c' ! -name '*.mod.c') |
		sed 's/\.c$/.o/' | sort | tr '\n' ' '
}

makefile() {
	put "$out/Kbuild" <<-X
		LINUXINCLUDE := -I\$(src)/include \$(LINUXINCLUDE)
		ccflags-y += -include \$(src)/include/kunit_compat.h -I\$(src)/driver
		ccflags-y += -idirafter \$(src)/uapi -DSIV_BUILD_TIME=1700000000
		obj-m += kunit.o sivshmem-kunit.o
		kunit-y := $(objects lib)
		sivshmem-kunit-y := $(objects driver/core driver/tests)
		sivshmem-kunit-y += driver/device.o driver/crypto.o driver/keys.o
		sivshmem-kunit-y += driver/mailbox.o driver/event.o driver/pair.o
		sivshmem-kunit-y += driver/ephemeral.o driver/listener.o driver/allow.o
		sivshmem-kunit-y += driver/window.o driver/ioctl.o driver/channel.o
		sivshmem-kunit-y += driver/channel_connect.o driver/channel_file.o
		sivshmem-kunit-y += driver/channel_info.o driver/channel_rw.o
		sivshmem-kunit-y += driver/channel_seal.o driver/channel_wait.o
	X
}

sources() {
	kunit_sources "$1"
	driver_sources
	generated
	makefile
}

if [ "${1:-}" = --sources ]; then
	out=$2
	sources "$3"
	exit
fi
out=$top/build/kunit
krel=${KREL:-$(dpkg-query -W -f '${Depends}' linux-headers-amd64 |
	sed -n 's/.*linux-headers-\([^ ,]*\).*/\1/p')}
sources "$("$top/tests/kernel-source.sh")"
make -C "${KDIR:-/lib/modules/$krel/build}" M="$out" "$@" modules
