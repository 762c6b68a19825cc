#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Every file stands on the files below it, and each special power has one room.
#
# Reads the includes of the sources; prints TAP. A room is a few files that know
# each other; a file that has no room here has to be given one.
set -u
cd "$(dirname "$0")/.." || exit 2

driver=drivers/sivshmem
number=0
failed=0

# room FILE: the room of a file of the driver (without .c or .h).
room() {
	case $1 in
	channel_* | allow | listener) echo channel ;;
	hello | talk | pair | ephemeral) echo host ;;
	ioctl | abi) echo ioctl ;;
	trace) echo event ;;
	*) echo "$1" ;;
	esac
}

# floor ROOM: design.md's floors, bottom up.
floor() {
	case $1 in
	compat) echo 1 ;;
	core/*) echo 2 ;;
	event | ioctl | device | crypto) echo 3 ;;
	mailbox | window | keys | pci | posture) echo 4 ;;
	host) echo 5 ;;
	channel | listener) echo 6 ;;
	control | node) echo 7 ;;
	main) echo 8 ;;
	*) return 1 ;;
	esac
}

# verdict NAME BAD-LINES
verdict() {
	number=$((number + 1))
	if [ -z "$2" ]; then
		echo "ok $number - $1"
		return
	fi
	failed=$((failed + 1))
	echo "not ok $number - $1"
	while read -r line; do echo "# $line"; done <<<"$2"
}

# includes FILE...: `FILE included` for each #include "..."
includes() {
	[ $# -gt 0 ] || return 0
	grep -HoE '^[[:space:]]*#[[:space:]]*include[[:space:]]+"[^"]+"' "$@" |
		sed -E 's/^([^:]*):.*"([^"]+)"$/\1 \2/'
}

# tree FOLDER...: the same for all sources below these folders
tree() {
	local -a files

	mapfile -t files < <(find "$@" -name '*.[ch]')
	includes "${files[@]}"
}

# Lines `room room-below` of the whole driver, core included.
edges() {
	local file included dir upper below

	includes $driver/*.[ch] $driver/core/*.[ch] |
		while read -r file included; do
			dir=${file%/*}
			upper=${file#"$driver"/}
			if [ -e "$dir/$included" ]; then
				below=$(realpath -m --relative-to=$driver \
					"$dir/$included")
			else
				below=$included
			fi
			echo "$(room "${upper%.*}") $(room "${below%.*}")"
		done | awk '$1 != $2' | sort -u
}

# rooms PATTERN FILES-ALLOWED (an extended regular expression) WHERE...
rooms() {
	local pattern=$1 allowed=$2

	shift 2
	grep -rnE --include='*.[ch]' "$pattern" "$@" |
		grep -vE "^($allowed):"
}

edges=$(edges)

bad=$(while read -r above below; do
	[ -n "$above" ] || continue
	upper=$(floor "$above") || {
		echo "$above has no floor in $0"
		continue
	}
	lower=$(floor "$below") || {
		echo "$above includes $below, which has no floor in $0"
		continue
	}
	[ "$lower" -le "$upper" ] ||
		echo "$above (floor $upper) includes $below (floor $lower)"
done <<<"$edges")
verdict "no file of the driver includes one from a floor above" "$bad"

bad=$(tsort <<<"$edges" 2>&1 >/dev/null)
verdict "includes of the driver have no cycle" "$bad"

bad=$(awk '$1 ~ /^core\// && $2 !~ /^core\//' <<<"$edges")
bad+=$(grep -HnE '#[[:space:]]*include[[:space:]]*<' $driver/core/*.[ch] |
	grep -vE "^$driver/core/platform.h:|<linux/errno.h>")
verdict "the core includes the core, and the system by platform.h only" "$bad"

verdict "__KERNEL__ is asked in core/platform.h only" \
	"$(rooms '^[[:space:]]*#.*\b__KERNEL__\b' "$driver/core/platform.h" \
		drivers userspace)"
verdict "kernel versions are asked in compat.h only" \
	"$(rooms '\b(LINUX_VERSION_CODE|KERNEL_VERSION)\b' "$driver/compat.h" \
		drivers include userspace)"
verdict "registers are touched in pci.c only" \
	"$(rooms '\b(io)?(read|write)(b|w|l|q|8|16|32|64)(_rep|be)?\(' \
		"$driver/pci.c" drivers)"
verdict "page-table entries are made in window.c only" \
	"$(rooms '\b(vmf_insert|remap_pfn|vm_iomap|io_remap|vm_insert)\w*\(' \
		"$driver/window.c" drivers)"
verdict "the product uses nothing of the tests" \
	"$(tree drivers userspace keys | grep -v '/tests/.* ' |
		grep -E ' (.*/)?tests/')"
verdict "library and command know nothing of the daemon's inside" \
	"$(tree userspace/libsivshmem userspace/sivshmemctl |
		grep -E ' (.*/)?(sivshmemd|simguest)/')"

echo "1..$number"
exit $((failed > 0))
