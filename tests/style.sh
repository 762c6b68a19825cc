#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# `make style`: every formatter, linter and analyser that the tree must please.
#
#   tests/style.sh [STEP...]      all steps, or those named
#
# Prints what each found; the last line counts the steps.
set -u
cd "$(dirname "$0")/.." || exit 2

krel=${KREL:-$(dpkg-query -W -f '${Depends}' linux-headers-amd64 |
	sed -n 's/.*linux-headers-\([^ ,]*\).*/\1/p')}
kdir=${KDIR:-/lib/modules/$krel/build}
kdoc=/usr/lib/linux-kbuild-$(cut -d. -f1,2 <<<"$krel")/scripts/kernel-doc

if ! git ls-files --error-unmatch tests/style.sh >/dev/null 2>&1; then
	echo "$0: git does not know this tree, and only git says which files are ours" >&2
	exit 2
fi

files() {
	git ls-files --cached --others --exclude-standard -- "$@" |
		while read -r file; do [ -f "$file" ] && echo "$file"; done
}

mapfile -t c_files < <(files '*.c' '*.h')
mapfile -t kernel_files < <(files 'drivers/*.[ch]' 'include/*.h' \
	'tests/modules/*.c')
mapfile -t user_files < <(files 'userspace/*.[ch]' 'keys/*.[ch]' \
	'tests/*.[ch]' ':!tests/modules')
mapfile -t scripts < <(files | while read -r file; do
	head -c 64 "$file" | grep -qE '^#!.*\b(ba|da|)sh\b' && echo "$file"
done)
mapfile -t man_pages < <(files '*.[1-8]')
mapfile -t python < <(files '*.py')

# some WHAT FILE...: a step that has nothing to look at has failed.
some() {
	[ $# -gt 1 ] || echo "no $1 found: nothing was looked at"
	[ $# -gt 1 ]
}

style_format() {
	some "C files" "${c_files[@]}" || return
	clang-format --dry-run -Werror "${c_files[@]}" 2>&1 |
		grep -E 'error:|warning:' |
		awk -F: '{ n[$1]++ } END { for (f in n) print f ": " n[f] " places" }'
}

# Layout is clang-format's, which gives these up: it spaces declarations of __peer pointers
# as products, indents by blanks what it takes for an expression, breaks after an opening
# bracket, and before one in a table's [index].
not_here=SPACING,CODE_INDENT,LEADING_SPACE,OPEN_ENDED_LINE,PARENTHESIS_ALIGNMENT
not_here+=,BRACKET_SPACE
# Functions that belong together stand together, each below its own comment; and a
# declaration with __peer is none to checkpatch.
not_here+=,LINE_SPACING
# codespell's: checkpatch has American words only.
not_here+=,TYPO_SPELLING
# Where there is no kernel, there are none of its types and macros either.
not_in_user=PREFER_KERNEL_TYPES,PREFER_DEFINED_ATTRIBUTE_MACRO,CAMELCASE
not_in_user+=,AVOID_EXTERNS,ARRAY_SIZE,SPLIT_STRING,CONST_STRUCT,VOLATILE,ENOSYS
# C strings of hexadecimal digits and of messages are no kernel messages.
not_in_user+=,MISSING_SPACE,EMBEDDED_FUNCTION_NAME,SYMBOLIC_PERMS,ARCH_DEFINES
not_in_user+=,QUOTED_WHITESPACE_BEFORE_NEWLINE

# What it is wrong about: a file, a type, and why.
excused='
drivers/sivshmem/abi.h MACRO_ARG_REUSE: the name of a member, which has no side effects
drivers/sivshmem/compat.h LINUX_VERSION_CODE: the one place (check-layers.sh)
drivers/sivshmem/core/cert.c COMPLEX_MACRO: bytes inside of an initializer
drivers/sivshmem/tests/siv_channel_kunit.c COMPLEX_MACRO: NAME: an element of an initializer
drivers/sivshmem/tests/siv_vector_check.h MACRO_ARG_REUSE: it is assigned: a variable
drivers/sivshmem/tests/suites.h COMPLEX_MACRO: elements of an initializer
tests/guest/ioctls.c MACRO_ARG_REUSE: the name of a type
tests/modules/sivraw.c LINUX_VERSION_CODE: no part of the driver has a use for it
tests/modules/sivslow.c USLEEP_RANGE: a probe must not sleep
tests/unit/cert-kunit.c MACRO_ARG_REUSE: the name of an array
tests/unit/test-cert.c MACRO_ARG_REUSE: the name of an array; the text of a literal
tests/unit/test-crypto-fails.c MACRO_ARG_REUSE: a list of parameters
tests/unit/test-grant.c COMPLEX_MACRO: two elements of an initializer
tests/unit/test-grant.c MACRO_ARG_REUSE: the name of a member
tests/unit/test-wire.c COMPLEX_MACRO: two elements of an initializer
tests/unit/test-wire.c MACRO_ARG_REUSE: the name of a member
userspace/sivshmemctl/ctl.h COMPLEX_MACRO: elements of an initializer
userspace/sivshmemd/polfile.c MACRO_ARG_REUSE: a pointer, nothing that is worked out
'

# The struct's kernel-doc says what a lock is for.
lock_explained() {
	awk -v at="$2" '/^\/\*\*/ { doc = ""; inside = 1 } inside { doc = doc $0 "\n" }
		/\*\// { inside = 0 } /^}/ { doc = "" }
		NR == at { sub(/;.*/, "", $NF); exit !index(doc, " * @" $NF ":") }' "$1"
}

# Only findings that count. A list of the kind X(A) X(B) has no value, and its X is the
# name of a macro.
counts() {
	local finding file line type

	while IFS= read -r finding; do
		IFS=: read -r file line _ type _ <<<"$finding"
		case $type in
		UNCOMMENTED_DEFINITION)
			lock_explained "$file" "$line" && continue
			;;
		COMPLEX_MACRO | MACRO_ARG_REUSE)
			sed -n "${line}p" "$file" | grep -qE '^#define \w+\(X\)' && continue
			;;
		esac
		grep -q "^$file $type: " <<<"$excused" || echo "$finding"
	done
}

checkpatch() {
	some "C files" "${@:2}" || return
	printf '%s\n' "${@:2}" | xargs -P "$(nproc)" -n 8 perl \
		"$(tests/kernel-source.sh)/scripts/checkpatch.pl" --no-tree -f \
		--strict --terse --show-types --no-summary \
		--max-line-length=100 --ignore "$1" 2>&1 | sort | counts
	rm -f .checkpatch-camelcase.*
}

style_checkpatch() {
	checkpatch "$not_here" "${kernel_files[@]}"
	checkpatch "$not_here,$not_in_user" "${user_files[@]}"
}

# Everything that is built for a kernel, from nothing: of what make finds up to date
# nobody hears the warnings again. Of the suites only what sivshmem.ko has not, and not
# KUnit, which is the kernel's.
kernel_builds() {
	local out=$PWD/build/style check=(W=1 C=2 CHECK=sparse) source objects

	source=$(tests/kernel-source.sh) || return
	rm -rf "$out"
	make -s -k -j"$(nproc)" modules test-modules B=build/style KDIR="$kdir" \
		"${check[@]}" CF=-D__CHECK_ENDIAN__ || return
	tests/kunit/mkkunit.sh --sources "$out/kunit" "$source" || return
	# without the glue of a kernel that has KUnit
	mapfile -t objects < <(cd "$out/kunit" && printf '%s\n' driver/tests/*.c main.c |
		sed -n '/siv_suites/d; s/c$/o/p')
	# they write constants by siv_put_le32(), which cuts them into bytes
	make -s -k -j"$(nproc)" -C "$kdir" M="$out/kunit" "${check[@]}" \
		CF='-D__CHECK_ENDIAN__ -Wno-cast-truncate' "${objects[@]}"
}

style_sparse() {
	local output

	output=$(kernel_builds 2>&1) || echo "it does not build"
	grep -E 'warning:|[Ee]rror:|\*\*\*' <<<"$output" | sed "s,$PWD/build/style/,," | sort -u
}

style_kernel_doc() {
	local documented output status

	mapfile -t documented < <(grep -lE '^[[:space:]]*/\*\*$' "${c_files[@]}")
	some "files with kernel-doc" "${documented[@]}" || return
	if [ ! -x "$kdoc" ]; then
		echo "$kdoc is not there"
		return
	fi
	output=$("$kdoc" -none -Werror "${documented[@]}" 2>&1)
	status=$?
	grep -E 'warning:|[Ee]rror:' <<<"$output" && return
	[ $status -eq 0 ] || echo "$kdoc failed: $output"
}

style_codespell() {
	files | grep -v '^tests/vectors/' |
		xargs codespell --ignore-words-list=padd,whats,fron,iput,nd,inout,ser,te,ot
}

style_shellcheck() {
	some scripts "${scripts[@]}" && shellcheck -x "${scripts[@]}"
}

# What user space compiles; then the driver, with which it has to be told what macros of
# the kernel's are: a loop is over entries that somebody has filled in.
style_cppcheck() {
	local macros=build/style/cppcheck.h common=(-q --std=c11 -j "$(nproc)"
		"--enable=warning,performance,portability" --inline-suppr
		--error-exitcode=1 -Iinclude/uapi -Idrivers/sivshmem)

	cppcheck "${common[@]}" -Iuserspace userspace keys drivers/sivshmem/core tests \
		-itests/modules 2>&1 || echo "in user space"
	mkdir -p build/style
	cat >$macros <<-'X'
		#define list_for_each_entry(p, h, m) for (p = entry(h); p; p = entry(h))
		#define list_for_each_entry_rcu(p, h, m) list_for_each_entry(p, h, m)
		#define list_for_each_entry_safe(p, n, h, m) list_for_each_entry(p, h, m)
		#define KUNIT_ARRAY_PARAM(a, b, c)
	X
	cppcheck "${common[@]}" -D__KERNEL__ --include=$macros drivers/sivshmem \
		tests/modules 2>&1 || echo "in the kernel"
}

# Not of use: these need an OCaml compiler, and minmax takes `x < 0 ? x : 0`, an
# errno or nothing, for a minimum.
not_cocci='api/check_bq27xxx_data\.|null/badzero\.|misc/minmax\.'

# One of the kernel's semantic patches; it names its own options. spatch takes one folder.
semantic_patch() {
	local options

	options=$(sed -n 's,^// *Options: ,,p' "$1")
	# shellcheck disable=SC2086 # a list of words
	spatch -D report --very-quiet --cocci-file "$1" $options --dir build/style/cocci \
		-I build/style/cocci/drivers/sivshmem -I include/uapi 2>&1 |
		sed '/^warning: line/d; s,build/style/cocci/,,g'
	[ "${PIPESTATUS[0]}" -eq 0 ] || echo "$1: spatch failed"
}

style_coccinelle() {
	local source patches

	some "kernel files" "${kernel_files[@]}" || return
	source=$(tests/kernel-source.sh 2>&1) || {
		echo "$source"
		return
	}
	rm -rf build/style/cocci
	mkdir -p build/style/cocci
	cp --parents "${kernel_files[@]}" build/style/cocci
	mapfile -t patches < <(find "$source/scripts/coccinelle" -name '*.cocci' |
		grep -vE "$not_cocci" | sort)
	some "semantic patches" "${patches[@]}" || return
	export -f semantic_patch
	# sivbug.c is made of mistakes: debug kernels are shown them
	printf '%s\n' "${patches[@]}" | xargs -P "$(nproc)" -I@ bash -c 'semantic_patch @' |
		grep -v '^tests/modules/sivbug\.c:.* reference preceded by free'
}

style_analyzer() {
	tests/analyzer.sh 2>&1 || echo "tests/analyzer.sh failed"
}

style_man() {
	some "man pages" "${man_pages[@]}" && mandoc -T lint -W warning "${man_pages[@]}"
}

style_layers() {
	local output

	output=$(tests/check-layers.sh 2>&1) || echo "tests/check-layers.sh failed"
	grep -vE '^(ok|1\.\.)' <<<"$output"
	grep -qE '^(not )?ok 1 ' <<<"$output" || echo "nothing was looked at"
}

style_python() {
	local file

	some "Python files" "${python[@]}" || return
	for file in "${python[@]}"; do
		python3 -I - "$file" <<-'PY' 2>&1
			import ast, sys
			source = open(sys.argv[1], encoding="utf-8").read()
			ast.parse(source, sys.argv[1])
			for n, line in enumerate(source.splitlines(), 1):
			    if len(line) > 100 or line != line.rstrip() or "\t" in line:
			        print(f"{sys.argv[1]}:{n}: too long, a tab, or blanks at its end")
		PY
	done
}

# Licence on line 1 (2 after #!), no marks of unfinished work, sizes.
style_tree() {
	local file

	for file in $(files '*.[ch]' '*.py' '*.sh' '*.mk' '*.rst' '*Makefile' \
		'*Kbuild' '*Kconfig'); do
		head -n 2 "$file" | grep -q SPDX-License-Identifier ||
			echo "$file: no SPDX line"
		case $file in
		*.[ch] | *.py | *.sh)
			[ "$(wc -l <"$file")" -lt 900 ] || echo "$file: 900 lines or more"
			;;
		esac
	done
	files '*.[ch]' '*.py' '*.sh' '*.rst' '*.mk' | grep -v '^tests/style.sh$' |
		xargs grep -nE '\b(TODO|FIXME|XXX|HACK)\b'
}

all="format checkpatch sparse kernel_doc codespell shellcheck cppcheck coccinelle
	analyzer man layers python tree"
declare -A tool=([format]=clang-format [checkpatch]=perl [sparse]=sparse
	[codespell]=codespell [shellcheck]=shellcheck [cppcheck]=cppcheck [man]=mandoc
	[coccinelle]=spatch [analyzer]=clang-tidy-14)
passed=0
failed=0
# shellcheck disable=SC2086 # a list of words
[ $# -gt 0 ] || set -- $all
for step in "$@"; do
	began=$SECONDS
	if command -v "${tool[$step]:-sh}" >/dev/null; then
		found=$("style_$step")
	else
		found="${tool[$step]} is not installed"
	fi
	if [ -z "$found" ]; then
		passed=$((passed + 1))
		echo "ok   $step ($((SECONDS - began)) s)"
	else
		failed=$((failed + 1))
		echo "FAIL $step ($((SECONDS - began)) s)"
		head -n 60 <<<"$found" | while IFS= read -r line; do
			echo "     | $line"
		done
		[ "$(wc -l <<<"$found")" -le 60 ] ||
			echo "     | ... $(wc -l <<<"$found") lines"
	fi
done
echo "$passed passed, $failed failed, 0 skipped"
[ $failed -eq 0 ]
