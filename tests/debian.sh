# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Sourced: trees of unpacked packages of other Debian releases, kept in the cache and
# never installed, and programs run in them. Packages come from where the machine's own
# do. Plain users need user namespaces.
cache=${XDG_CACHE_HOME:-$HOME/.cache}/sivshmem
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
work=''
tree=''    # what debian_fetch has found
foreign='' # another architecture whose packages a caller names, PACKAGE:ARCHITECTURE
trap 'rm -rf "$work"' EXIT

# debian_apt PROGRAM ARGUMENT...: an apt with one source and nothing installed, which
# leaves the machine's alone.
debian_apt() {
	"$1" -qq -o Dir::Etc::SourceList="$work/sources.list" \
		-o Dir::Etc::SourceParts=/dev/null -o Dir::Etc::PreferencesParts=/dev/null \
		-o Dir::State="$work" -o Dir::State::Lists="$work/lists" \
		-o Dir::State::Status=/dev/null -o Dir::Cache="$work" \
		-o Dir::Cache::Archives="$work/archives" -o Debug::NoLocking=1 \
		-o APT::Sandbox::User= -o APT::Install-Recommends=false \
		-o Acquire::Languages=none -o Acquire::Retries=3 \
		-o APT::Architectures::="$(dpkg --print-architecture)" \
		${foreign:+-o APT::Architectures::="$foreign"} "${@:2}" </dev/null
}

# The packages, but for what nobody here reads; then the caller's own rules.
debian_unpack() {
	local package
	mkdir -p "$1"/{proc,dev,work}
	for package in "$work"/archives/*.deb; do
		dpkg-deb --fsys-tarfile "$package" |
			tar -C "$1" -x --no-same-owner --keep-directory-symlink \
				--exclude './usr/share/doc' --exclude './usr/share/man' \
				--exclude './usr/share/locale' \
				--exclude './*lib/modules/*/kernel/[bfikmnsv]*' \
				--exclude './*lib/modules/*/kernel/drivers/[!cuv]*'
	done
	debian_finish "$1"
}

# debian_open RELEASE: asks for a release's packages; debian_fetch does it by itself, and
# without an answer takes what it has fetched before.
debian_open() {
	local mirror

	mkdir -p "$cache"
	work=$(mktemp -d "$cache/.debian.XXXXXX")
	# as it is in every newer release: the rest of the system below /usr
	mkdir -p "$work"/{lists,archives}/partial "$work"/tree/usr/{bin,sbin,lib,lib64}
	ln -s usr/{bin,sbin,lib,lib64} "$work/tree"
	mirror=$(apt-get indextargets --format "\$(REPO_URI)" 'Created-By: Packages' \
		'Origin: Debian' 'Label: Debian' | head -n 1)
	echo "deb [signed-by=$keyring] ${mirror:?none known: apt-get update} $1 main" \
		>"$work/sources.list"
	debian_apt apt-get -o APT::Update::Error-Mode=any update
}

# The packages that packages need, names alone.
debian_needs() {
	debian_apt apt-cache depends --recurse --important "$@" | grep '^[a-z]'
}

# debian_get [--print-uris] PACKAGE...: with what they need; but those of another
# architecture come alone.
debian_get() {
	local package print=() ours=() others=()

	[ "$1" != --print-uris ] || print=("$1")
	for package in "${@:1+${#print[@]}}"; do
		case $package in
		*:*) others+=("$package") ;;
		*) ours+=("$package") ;;
		esac
	done
	debian_apt apt-get -y --download-only "${print[@]}" install "${ours[@]}"
	[ ${#others[@]} -eq 0 ] || (
		cd "$work/archives" || exit
		debian_apt apt-get "${print[@]}" download "${others[@]}"
	)
}

# debian_fetch NAME RELEASE PACKAGE...: sets tree to the folder of a release's packages.
# Its key is what it is made of: the packages' names and checksums, and the rules. The
# caller's debian_finish is one of them.
debian_fetch() {
	local name=$1-$2 release=$2 key
	shift 2

	if [ -z "$work" ] && ! debian_open "$release"; then
		tree=$(compgen -G "$cache/$name-*" | head -n 1) || return 1
		echo "# $release: cannot be asked for its packages; those in the cache" >&2
		rm -rf "$work"
		work=''
		return
	fi
	key=$(debian_get --print-uris "$@" | awk '/^\047/ { print $2, $4 }' | sort |
		cat - <(declare -f debian_unpack debian_finish) | sha256sum | cut -c1-20)
	tree=$cache/$name-$key
	if [ ! -d "$tree" ]; then
		echo "# $release: fetching ${*##*/}" >&2
		debian_get "$@" >/dev/null
		debian_unpack "$work/tree"
		rm -rf "$cache/$name"-*
		# Somebody else may have been faster, with the same content.
		mv -T "$work/tree" "$tree" 2>/dev/null || [ -d "$tree" ]
	fi
	rm -rf "$work"
	work=''
}

# debian_run TREE FOLDER COMMAND...: run in the tree, which sees the folder as /work.
debian_run() {
	local user=()

	[ "$(id -u)" -eq 0 ] || user=(--map-root-user)
	# shellcheck disable=SC2016 # for the inner shell
	unshare "${user[@]}" --mount sh -ec '
		mount --rbind /proc "$1/proc"
		mount --rbind /dev "$1/dev"
		mount --bind "$2" "$1/work"
		tree=$1
		shift 2
		exec chroot "$tree" env -i PATH=/usr/bin:/usr/sbin LC_ALL=C "$@"' sh "$@"
}
