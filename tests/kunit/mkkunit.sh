#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Builds build/kunit/kunit.ko and build/kunit/sivshmem-kunit.ko for a stock kernel
# that has no KUnit: lib/kunit of the same kernel's source, with the little glue that
# kunit_compat.h and the edits below are, and our suites with the code they test.
#
#   tests/kunit/mkkunit.sh [ARGUMENT OF MAKE...]
#   tests/kunit/mkkunit.sh --sources FOLDER SOURCE
#   tests/kunit/mkkunit.sh --tree KERNEL
#
# The second only fills a folder, with KUnit from SOURCE; it can be built anywhere. The
# third puts the driver and its suites into a kernel's tree, where its own KUnit has them.
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

# copy FOLDER: the driver, there; what it has no longer goes, but not what was generated.
copy() {
	local file generated=(! -name siv_keys_fixture.h ! -name siv_vectors.h
		! -name siv_cert_cases.h)
	local what=('(' -name '*.[ch]' -o -name Makefile -o -name Kconfig -o -name .kunitconfig
		')' ! -name '*.mod.c')

	(cd "$driver" && find . "${what[@]}") |
		while read -r file; do
			put "$1/$file" <"$driver/$file"
		done
	(cd "$1" && find . "${what[@]}" "${generated[@]}") |
		while read -r file; do
			[ -e "$driver/$file" ] || rm "$1/$file"
		done
}

# generated FOLDER: what the suites include. Certificates are made once: their dates must
# be good whenever the tests run.
generated() {
	local header=$1/siv_keys_fixture.h cases=$1/siv_cert_cases.h
	local program=build/user/test-progs/cert-kunit

	if [ ! "$header" -nt "$top/tests/kunit/gen-keys.py" ]; then
		python3 "$top/tests/kunit/gen-keys.py" | put "$header"
		touch "$header"
	fi
	python3 "$top/tests/vectors/gen-kunit.py" | put "$1/siv_vectors.h"
	MAKEFLAGS='' make -s -C "$top" -f userspace/Makefile "$program" >&2
	if [ ! "$cases" -nt "$top/$program" ]; then
		"$top/$program" | put "$cases"
		touch "$cases"
	fi
}

# Kbuild writes beside the sources, so they are copied into a folder of their own.
driver_sources() {
	copy "$out/driver"
	put "$out/main.c" <"$top/tests/kunit/kunit_main.c"
	put "$out/include/kunit_compat.h" <"$top/tests/kunit/kunit_compat.h"
	put "$out/uapi/linux/sivshmem.h" <"$top/include/uapi/linux/sivshmem.h"
}

# A list of the driver's own Makefile, in our folder.
listed() {
	local list

	list=$(MAKEFLAGS='' make -s -f - <<-X
		include $driver/Makefile
		all:; @echo \$($1)
	X
	)
	echo "driver/${list// / driver/}"
}

# What it makes the suites of, but for what hands them to the kernel's KUnit.
suite_objects() {
	local file list

	list=$(listed sivshmem-kunit-y)
	for file in "$driver"/tests/*.c; do
		file=driver/tests/$(basename "$file" .c).o
		case " $list " in
		*" $file "*) ;;
		*)
			echo "$0: drivers/sivshmem/Makefile has no ${file#*/}" >&2
			return 1
			;;
		esac
	done
	echo "${list/driver\/tests\/siv_suites.o /}"
}

makefile() {
	local kunit suites parts

	kunit=$(cd "$out" && echo lib/*.c)
	suites=$(suite_objects)
	parts=$(listed siv-kunit-parts)
	put "$out/Kbuild" <<-X
		LINUXINCLUDE := -I\$(src)/include \$(LINUXINCLUDE)
		ccflags-y += -include \$(src)/include/kunit_compat.h -I\$(src)/driver
		ccflags-y += -idirafter \$(src)/uapi -DSIV_BUILD_TIME=1700000000
		obj-m += kunit.o sivshmem-kunit.o
		kunit-y := ${kunit//.c/.o}
		sivshmem-kunit-y := main.o $suites
		\$(foreach part,$parts,\$(eval CFLAGS_\$(part) += -include tests/fault_calls.h))
	X
}

# The two lines of drivers/ that make a folder of it known.
tree() {
	local drivers=$1/drivers

	copy "$drivers/sivshmem"
	put "$1/include/uapi/linux/sivshmem.h" <"$top/include/uapi/linux/sivshmem.h"
	generated "$drivers/sivshmem/tests"
	grep -q sivshmem "$drivers/Makefile" ||
		echo 'obj-y += sivshmem/' >>"$drivers/Makefile"
	grep -q sivshmem "$drivers/Kconfig" ||
		sed -i '$i source "drivers/sivshmem/Kconfig"\n' "$drivers/Kconfig"
}

sources() {
	kunit_sources "$1"
	driver_sources
	generated "$out/include"
	makefile
}

if [ "${1:-}" = --sources ]; then
	out=$2
	sources "$3"
	exit
elif [ "${1:-}" = --tree ]; then
	tree "$2"
	exit
fi
out=$top/build/kunit
krel=${KREL:-$(dpkg-query -W -f '${Depends}' linux-headers-amd64 |
	sed -n 's/.*linux-headers-\([^ ,]*\).*/\1/p')}
sources "$("$top/tests/kernel-source.sh")"
make -C "${KDIR:-/lib/modules/$krel/build}" M="$out" "$@" modules
