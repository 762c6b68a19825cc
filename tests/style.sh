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
kdoc=/usr/lib/linux-kbuild-$(cut -d. -f1,2 <<<"$krel")/scripts/kernel-doc

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

style_format() {
	clang-format --dry-run -Werror "${c_files[@]}" 2>&1 |
		grep -E 'error:|warning:' |
		awk -F: '{ n[$1]++ } END { for (f in n) print f ": " n[f] " places" }'
}

# Left to others: layout to clang-format (they disagree), spelling to codespell,
# LINUX_VERSION_CODE to check-layers.sh. Lists of the kind X(A) X(B) are no
# macros with values; locks are explained in the kernel-doc of their struct;
# size assertions stand right below their struct.
not_here=SPACING,CODE_INDENT,LEADING_SPACE,OPEN_ENDED_LINE,PARENTHESIS_ALIGNMENT
not_here+=,BRACKET_SPACE,TYPO_SPELLING,LINUX_VERSION_CODE,CONSTANT_COMPARISON
not_here+=,COMPLEX_MACRO,MACRO_ARG_REUSE,UNCOMMENTED_DEFINITION,LINE_SPACING
# Where there is no kernel, there are none of its types and macros either.
not_in_user=PREFER_KERNEL_TYPES,PREFER_DEFINED_ATTRIBUTE_MACRO,CAMELCASE
not_in_user+=,AVOID_EXTERNS,ARRAY_SIZE,SPLIT_STRING,CONST_STRUCT,VOLATILE,ENOSYS
# C strings of hexadecimal digits and of messages are no kernel messages.
not_in_user+=,MISSING_SPACE,EMBEDDED_FUNCTION_NAME,SYMBOLIC_PERMS,ARCH_DEFINES
not_in_user+=,QUOTED_WHITESPACE_BEFORE_NEWLINE

checkpatch() {
	printf '%s\n' "${@:2}" | xargs -P "$(nproc)" -n 8 perl \
		"$(tests/kernel-source.sh)/scripts/checkpatch.pl" --no-tree -f \
		--strict --terse --show-types --no-summary \
		--max-line-length=100 --ignore "$1" 2>&1 | sort
	rm -f .checkpatch-camelcase.*
}

style_checkpatch() {
	checkpatch "$not_here" "${kernel_files[@]}"
	checkpatch "$not_here,$not_in_user" "${user_files[@]}"
}

style_sparse() {
	local output

	output=$(make -s modules M="$PWD/build/style-modules" W=1 C=2 \
		CHECK=sparse CF=-D__CHECK_ENDIAN__ 2>&1) || echo "it does not build"
	grep -E 'warning:|error:|\*\*\*' <<<"$output" | sort -u
}

style_kernel_doc() {
	local file

	for file in $(files 'drivers/*.h' 'include/*.h' 'userspace/*.h'); do
		"$kdoc" -none -Werror "$file" 2>&1 | grep -E 'warning:|error:'
	done
}

style_codespell() {
	files | grep -v '^tests/vectors/' |
		xargs codespell --ignore-words-list=padd,whats,fron,iput,nd,inout,ser,te,ot
}

style_shellcheck() {
	[ ${#scripts[@]} -eq 0 ] || shellcheck -x "${scripts[@]}"
}

style_cppcheck() {
	cppcheck -q --enable=warning,performance,portability --std=c11 -j "$(nproc)" \
		--inline-suppr --suppress=shiftTooManyBitsSigned \
		--suppress=ctuArrayIndex --error-exitcode=1 -Iinclude/uapi \
		-Idrivers/sivshmem -Iuserspace userspace keys \
		drivers/sivshmem/core tests 2>&1
}

# Not of use: these need an OCaml compiler, and minmax takes `x < 0 ? x : 0`, an
# errno or nothing, for a minimum.
not_cocci='api/check_bq27xxx_data\.|null/badzero\.|misc/minmax\.'

# One of the kernel's semantic patches over the driver; it names its own options.
semantic_patch() {
	local options

	options=$(sed -n 's,^// *Options: ,,p' "$1")
	# shellcheck disable=SC2086 # a list of words
	spatch -D report --very-quiet --cocci-file "$1" $options --dir drivers/sivshmem \
		-I drivers/sivshmem -I include/uapi 2>&1 | sed '/^warning: line/d'
	[ "${PIPESTATUS[0]}" -eq 0 ] || echo "$1: spatch failed"
}

style_coccinelle() {
	local folder

	folder=$(tests/kernel-source.sh)/scripts/coccinelle || return
	export -f semantic_patch
	find "$folder" -name '*.cocci' | grep -vE "$not_cocci" | sort |
		xargs -P "$(nproc)" -I@ bash -c 'semantic_patch @'
}

style_analyzer() {
	tests/analyzer.sh
}

style_man() {
	[ ${#man_pages[@]} -eq 0 ] || mandoc -T lint -W warning "${man_pages[@]}"
}

style_layers() {
	tests/check-layers.sh | grep -vE '^(ok|1\.\.)'
}

style_python() {
	local file

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
