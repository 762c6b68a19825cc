# SPDX-License-Identifier: GPL-2.0-only
# Certificates and keys.

unit-tests += test-der
test-der-srcs := tests/unit/test-der.c tests/unit/dertext.c

unit-tests += test-cert
test-cert-srcs := tests/unit/test-cert.c tests/unit/certbuild.c \
		  tests/unit/dertext.c

# The same cases, written down for KUnit.
test-progs += cert-kunit
cert-kunit-srcs := tests/unit/cert-kunit.c tests/unit/certbuild.c \
		   tests/unit/dertext.c

unit-tests += test-cert-mutate
test-cert-mutate-srcs := tests/unit/test-cert-mutate.c tests/unit/certbuild.c \
			 tests/unit/dertext.c

keys-tool := build/user/asan/sivshmem-keys

unit-tests += test-keys
test-keys-srcs := tests/unit/test-keys.c tests/unit/keysrun.c
test-keys-deps := $(keys-tool)
test-keys-args := $(keys-tool)

unit-tests += test-keys-life
test-keys-life-srcs := tests/unit/test-keys-life.c tests/unit/keysrun.c
test-keys-life-deps := $(keys-tool)
test-keys-life-args := $(keys-tool) Documentation/keys.rst

unit-tests += test-bundle
test-bundle-srcs := tests/unit/test-bundle.c tests/unit/dertext.c
