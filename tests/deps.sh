#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Installs the Debian 12 packages that a goal needs and that are missing:
#
#   tests/deps.sh [build|demo|check|debug|uml|arm64|models|coverage|style|all]
#
# As root it prints what it installs and installs it; as anybody else it prints
# the one command to run and fails. Where nothing is missing it does nothing.
set -eu

build='gcc libc6-dev make libssl-dev libkeyutils-dev libseccomp-dev
	libinih-dev libjansson-dev libsystemd-dev linux-headers-amd64 kmod
	python3'
guest='qemu-system-x86 busybox-static keyutils openssl'
check='libcmocka-dev pkg-config linux-source-6.1 xz-utils python3-cryptography
	systemd
	udev'
style='clang-format sparse codespell shellcheck cppcheck mandoc
	linux-source-6.1 xz-utils coccinelle clang-tidy-14'
debug='flex bison bc libelf-dev'
uml='gcc libc6-dev make flex bison bc xz-utils python3 openssl libssl-dev
	linux-headers-amd64 linux-source-6.1'
arm64='qemu-system-arm'
models='spin gcc libc6-dev python3'
coverage='gcovr'

goal=${1:-all}
case $goal in
build) wanted=$build ;;
demo) wanted="$build $guest" ;;
check) wanted="$build $guest $check" ;;
debug) wanted="$build $guest $check $debug" ;;
uml) wanted=$uml ;;
arm64) wanted="$build $guest $check $arm64" ;;
models) wanted=$models ;;
coverage) wanted="$build $guest $check $debug $coverage" ;;
style) wanted="$build $check $style" ;;
all) wanted="$build $guest $check $debug $uml $arm64 $models $coverage $style" ;;
*)
	echo "usage: $0 [build|demo|check|debug|uml|arm64|models|coverage|style|all]" >&2
	exit 2
	;;
esac

missing=
for package in $wanted; do
	state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) ||
		state=
	case " $missing " in
	*" $package "*) continue ;;
	esac
	[ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
missing=${missing# }

if [ "$(id -u)" -ne 0 ]; then
	echo "Packages are missing. As root:" >&2
	echo "    apt-get update && apt-get install -y" \
		"--no-install-recommends $missing" >&2
	exit 1
fi

export DEBIAN_FRONTEND=noninteractive
apt() {
	apt-get -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 \
		-o Dpkg::Use-Pty=0 "$@" </dev/null
}

# Lists older than a day name files that the mirrors may have dropped.
lists=$(find /var/lib/apt/lists -name '*Packages*' -mmin -1440 2>/dev/null |
	head -n 1)
if [ -z "$lists" ]; then
	echo "deps: apt-get update"
	apt update
fi

echo "deps: installing $missing"
# shellcheck disable=SC2086 # a list of words
if ! apt install -y --no-install-recommends $missing; then
	echo "deps: once more, with fresh lists"
	apt update
	# shellcheck disable=SC2086
	apt install -y --no-install-recommends $missing
fi
