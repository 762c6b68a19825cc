# SPDX-License-Identifier: GPL-2.0-only
# `make install`, included by the Makefile. DESTDIR and prefix as usual.

prefix ?= /usr/local
bindir ?= $(prefix)/bin
sbindir ?= $(prefix)/sbin
libdir ?= $(prefix)/lib
includedir ?= $(prefix)/include
mandir ?= $(prefix)/share/man
udevdir ?= $(prefix)/lib/udev/rules.d
unitdir ?= $(prefix)/lib/systemd/system
sysusersdir ?= $(prefix)/lib/sysusers.d
tmpfilesdir ?= $(prefix)/lib/tmpfiles.d
dkmsdir ?= /usr/src/sivshmem-$(VERSION)

INSTALL ?= install
U := $(B)/user
LIB_SO := libsivshmem.so.$(VERSION)
LIB_MAJOR := $(firstword $(subst ., ,$(VERSION)))

# Files with the places where things are filled in. $(call fill,FROM,TO)
fill = sed -e 's|@prefix@|$(prefix)|g' -e 's|@libdir@|$(libdir)|g' \
	-e 's|@includedir@|$(includedir)|g' -e 's|@bindir@|$(bindir)|g' \
	-e 's|@sbindir@|$(sbindir)|g' \
	-e 's|@version@|$(VERSION)|g' $(1) >$(DESTDIR)$(2)
folder = $(INSTALL) -d $(addprefix $(DESTDIR),$(1))
put = $(INSTALL) -D -m $(1) -t $(DESTDIR)$(2) $(3)

.PHONY: install
install: install-user install-dev install-module ## into DESTDIR, prefix (/usr/local)

.PHONY: install-user
install-user: user
	$(call put,755,$(bindir),$(U)/sivshmemctl $(U)/sivshmem-keys)
	$(call put,755,$(sbindir),$(U)/sivshmemd $(U)/sivshmemd-key)
	$(call put,755,$(libdir),$(U)/$(LIB_SO))
	ln -sf $(LIB_SO) $(DESTDIR)$(libdir)/libsivshmem.so.$(LIB_MAJOR)
	[ -n "$(DESTDIR)" ] || [ "$$(id -u)" != 0 ] || ldconfig
	$(call put,644,$(udevdir),userspace/udev/60-sivshmem.rules)
	$(call folder,$(unitdir) $(sysusersdir) $(tmpfilesdir))
	$(call fill,userspace/systemd/sivshmemd.service,$(unitdir)/sivshmemd.service)
	$(INSTALL) -m 644 userspace/systemd/sivshmem.sysusers \
		$(DESTDIR)$(sysusersdir)/sivshmem.conf
	$(INSTALL) -m 644 userspace/systemd/sivshmem.tmpfiles \
		$(DESTDIR)$(tmpfilesdir)/sivshmem.conf
	for page in $$(find userspace keys Documentation -name '*.[1-8]'); do \
		$(INSTALL) -D -m 644 $$page \
			$(DESTDIR)$(mandir)/man$${page##*.}/$${page##*/}; \
	done

# What programs that use the library are built with.
.PHONY: install-dev
install-dev: user
	$(call put,644,$(includedir)/linux,include/uapi/linux/sivshmem.h)
	$(call put,644,$(includedir)/sivshmem,userspace/libsivshmem/include/sivshmem/sivshmem.h)
	$(call put,644,$(libdir),$(U)/libsivshmem.a)
	ln -sf libsivshmem.so.$(LIB_MAJOR) $(DESTDIR)$(libdir)/libsivshmem.so
	$(call folder,$(libdir)/pkgconfig)
	$(call fill,userspace/libsivshmem/libsivshmem.pc.in,$(libdir)/pkgconfig/libsivshmem.pc)

# The module for one kernel, and its sources for DKMS.
.PHONY: install-module
install-module: modules
	$(INSTALL) -D -m 644 $(M)/drivers/sivshmem/sivshmem.ko \
		$(DESTDIR)/lib/modules/$(KREL)/updates/sivshmem.ko
	[ -n "$(DESTDIR)" ] || depmod $(KREL)
	$(call folder,$(dkmsdir))
	find Kbuild drivers include ! -path '*/tests/*' \( -name '*.[ch]' \
		-o -name Kbuild -o -name Makefile -o -name Kconfig \) \
		! -name '*.mod.c' -exec cp --parents -t $(DESTDIR)$(dkmsdir) {} +
	$(call fill,drivers/sivshmem/dkms.conf.in,$(dkmsdir)/dkms.conf)
