# SPDX-License-Identifier: GPL-2.0-only
#
# Messages, sessions, connects: the protocol's state machines.

pki-srcs := tests/unit/pki.c tests/unit/certbuild.c tests/unit/dertext.c
# Every seal is seen by the test, which looks for a nonce used twice.
seal-log := -Wl,--wrap=siv_aead_seal -Wl,--wrap=siv_aead_setkey \
	    -Wl,--wrap=siv_aead_clear

unit-tests += test-wire

unit-tests += test-session
test-session-srcs := tests/unit/test-session.c tests/unit/dialog.c \
		     tests/unit/seallog.c $(pki-srcs)
test-session-libs := $(seal-log) -Wl,--wrap=siv_x25519_static

unit-tests += test-records
test-records-srcs := tests/unit/test-records.c tests/unit/dialog.c \
		     tests/unit/seallog.c $(pki-srcs)
test-records-libs := $(seal-log)

unit-tests += test-connect
test-connect-srcs := tests/unit/test-connect.c tests/unit/link.c \
		     tests/unit/dialog.c tests/unit/seallog.c $(pki-srcs)
test-connect-libs := $(seal-log)

unit-tests += test-grant
test-grant-srcs := tests/unit/test-grant.c tests/unit/link.c \
		   tests/unit/seallog.c $(pki-srcs)
test-grant-libs := $(seal-log)

# Whatever of the platform's cryptography can fail does, once.
unit-tests += test-crypto-fails
test-crypto-fails-srcs := tests/unit/test-crypto-fails.c tests/unit/dialog.c \
			  tests/unit/link.c $(pki-srcs)
test-crypto-fails-libs := $(foreach f,x25519 x25519_base x25519_static aead_setkey \
			  aead_seal aead_open,-Wl,--wrap=siv_$(f))

unit-tests += test-matrix
test-matrix-srcs := tests/unit/test-matrix.c tests/unit/link.c \
		    tests/unit/dialog.c $(pki-srcs)

# asan proves memory, the plain build that the optimiser keeps the wiping
unit-tests += test-wiping
test-wiping-srcs := tests/unit/test-wiping.c tests/unit/dialog.c tests/unit/link.c \
		    tests/unit/stackscan.c tests/unit/seallog.c $(pki-srcs)
test-wiping-libs := $(seal-log)
test-wiping-san := asan none

# The byte tables of the documents, as assertions.
wire-doc-h := $(B)/gen/wire-doc.h
wire-docs := Documentation/protocol.rst Documentation/memory-layout.rst
$(wire-doc-h): tests/unit/wire-doc.py $(wire-docs)
	@mkdir -p $(@D)
	$(Q)$< $(wire-docs) > $@

unit-tests += test-wire-doc
test-wire-doc-cflags := -I$(B)/gen
$(foreach v,$(variants),\
	$(eval $(B)/obj/$(v)/private/test-wire-doc/tests/unit/test-wire-doc.o: $(wire-doc-h)))
