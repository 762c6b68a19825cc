#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Prints a page with what kernel-doc makes of the headers put where the page's
# `.. kernel-doc::` directives ask for it. Any warning of kernel-doc is an error.
#
#   Documentation/expand.sh KERNEL-DOC PAGE
set -euo pipefail
kdoc=$1

# Says nothing of Sphinx, and nothing of the parameters of macros that have none.
render() {
	# shellcheck disable=SC2016 # these backquotes are the page's
	"$kdoc" -rst -sphinx-version 3.1.0 -Werror "$@" |
		sed -e '/^``[A-Z_]* ()``$/d' -e '/^\*\*Parameters\*\*$/d'
}

while IFS= read -r line; do
	case $line in
	'.. kernel-doc:: '*) header=${line#.. kernel-doc:: } ;;
	'   :doc: '*) render -function "${line#   :doc: }" "$header" ;;
	'   :internal:') render -internal "$header" ;;
	*) printf '%s\n' "$line" ;;
	esac
done <"$2"
