# SPDX-License-Identifier: GPL-2.0-only
# The cockpit: `make help`. Everything is built under build/.

VERSION := 0.1.0

# The kernel to build for: by default the one that Debian's linux-headers-amd64
# stands for, which is also the test guests'. KDIR=... or KREL=... for another;
# SIV_KERNEL=... for another in the test guests too (Documentation/testing.rst).
KREL ?= $(shell dpkg-query -W -f '$${Depends}' linux-headers-amd64 2>/dev/null | \
	sed -n 's/.*linux-headers-\([^ ,]*\).*/\1/p')
KDIR ?= $(or $(SIV_KERNEL),/lib/modules/$(or $(KREL),$(shell uname -r))/build)

B := build
M := $(CURDIR)/$(B)/modules
JOBS ?= $(shell nproc)
USER_MAKE = $(MAKE) --no-print-directory -f userspace/Makefile

.DEFAULT_GOAL := all
.PHONY: all
all: modules user ## the module and all programs (the default)

.PHONY: help
help: ## this list
	@echo "Goals:"
	@sed -n 's/^\([a-z][a-z0-9-]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | \
		awk -F'\t' '{ printf "  %-14s %s\n", $$1, $$2 }'
	@echo "Variables: KDIR or KREL (kernel), DESTDIR and prefix (install)," \
		"V=1 (commands), K=TEXT (only tests with it in their name)"
	@echo "  and for make kunit KERNELS=\"bookworm trixie forky\" or all (a line for each)"

# --- building ----------------------------------------------------------------

# The sources are linked into a folder of their own, because Kbuild writes its
# objects beside the sources. mirror FOLDER, WHAT (relative to the folder $(3))
define mirror
@mkdir -p $(1)
@find $(1) -type l ! -exec test -e {} \; -delete
@cd $(3) && find $(2) \( -name '*.[chS]' -o -name Kbuild -o -name Makefile \
	-o -name Kconfig \) ! -name '*.mod.c' | \
while read -r file; do \
	[ -L $(1)/$$file ] && continue; \
	mkdir -p "$(1)/$$(dirname $$file)"; \
	ln -sf $(CURDIR)/$(3)/$$file $(1)/$$file; \
done
endef

.PHONY: modules
modules: ## the kernel module, build/modules/drivers/sivshmem/sivshmem.ko
	$(call mirror,$(M),Kbuild drivers include,.)
	@test -e $(KDIR)/Makefile || \
		{ echo "no kernel headers in $(KDIR): see make deps" >&2; exit 1; }
	$(MAKE) -C $(KDIR) M=$(M) modules

.PHONY: test-modules
test-modules:
	$(call mirror,$(CURDIR)/$(B)/test-modules,.,tests/modules)
	$(MAKE) -C $(KDIR) M=$(CURDIR)/$(B)/test-modules modules

.PHONY: user
user: ## programs and libraries, build/user/
	@$(USER_MAKE) all

# Found as tests/style.sh finds it.
KDOC ?= /usr/lib/linux-kbuild-$(shell echo $(KREL) | cut -d. -f1,2)/scripts/kernel-doc

.PHONY: doc
doc: ## the driver's interface as a page, build/Documentation/uapi.rst
	@mkdir -p $(B)/Documentation
	@Documentation/expand.sh $(KDOC) Documentation/uapi.rst >$(B)/Documentation/.uapi.rst
	@mv $(B)/Documentation/.uapi.rst $(B)/Documentation/uapi.rst

.PHONY: deps
deps: ## install the Debian packages that are missing
	@tests/deps.sh all

# --- testing -----------------------------------------------------------------

K ?=
run-tests = tests/run.py $(if $(K),-k '$(K)')

.PHONY: unit
unit: ## native tests, with sanitizers
	@tests/deps.sh check
	@$(run-tests) unit

.PHONY: daemon
daemon: ## native tests against a running daemon
	@tests/deps.sh check
	@$(run-tests) daemon

.PHONY: kunit
kunit: ## the driver's tests inside a stock kernel, or in those of KERNELS=all
	@tests/deps.sh check
	@$(MAKE) --no-print-directory guest-parts kunit-modules
	@$(if $(KERNELS),tests/matrix.sh kunit $(KERNELS) $(if $(K),-k '$(K)'),$(run-tests) kunit)

.PHONY: kunit-modules
kunit-modules:
	@KREL=$(KREL) KDIR=$(KDIR) tests/kunit/mkkunit.sh -j$(JOBS)

.PHONY: uml
uml: ## the same inside a kernel's tree, by its kunit.py, on User-Mode Linux
	@tests/deps.sh uml
	@tests/kunit/uml.sh $(if $(K),-k '$(K)')

.PHONY: qemu
qemu: ## tests in virtual machines
	@tests/deps.sh demo
	@$(MAKE) --no-print-directory guest-parts
	@$(run-tests) qemu

# Whatever the guests run.
.PHONY: guest-parts
guest-parts:
	@$(USER_MAKE) -j$(JOBS) all $(B)/user/test-progs/sivshmemd-dishonest
	@$(MAKE) --no-print-directory -j$(JOBS) modules test-modules

.PHONY: kernels
kernels: ## compile against the kernel headers of later Debian releases
	@tests/deps.sh check
	@tests/kernels.sh

.PHONY: matrix
matrix: ## the tests in guests, with every kernel and QEMU: a table
	@tests/deps.sh check
	@$(MAKE) --no-print-directory guest-parts kunit-modules
	@tests/matrix.sh

.PHONY: arm64
arm64: ## KUnit and the most important tests in arm64 guests, 4 and 16 KiB pages
	@tests/deps.sh arm64
	@$(MAKE) --no-print-directory guest-parts
	@tests/arm64.sh $(if $(K),-k '$(K)')

.PHONY: qemu-debug
qemu-debug: ## the tests in guests, with a kernel that looks for mistakes
	@tests/deps.sh debug
	@$(MAKE) --no-print-directory guest-parts
	@tests/debug/run.sh kasan $(if $(K),-k '$(K)')

.PHONY: qemu-race
qemu-race: ## the data path in guests, with a kernel that looks for races
	@tests/deps.sh debug
	@$(MAKE) --no-print-directory guest-parts
	@tests/debug/run.sh kcsan $(if $(K),-k '$(K)')

.PHONY: nightly
nightly: ## native suites a hundred times, those in guests ten: flaky is failed
	@tests/deps.sh check
	@$(MAKE) --no-print-directory guest-parts kunit-modules
	@tests/nightly.sh $(or $(NATIVE),100) $(or $(GUESTS),10)

.PHONY: models
models: ## Spin: the ring and the connect handshake, and mutants of both
	@tests/deps.sh models
	@tests/models/run.py $(if $(K),-k '$(K)')

.PHONY: coverage
coverage: ## what the tests run of each part: a table, build/coverage/
	@tests/deps.sh coverage
	@$(MAKE) --no-print-directory guest-parts
	@tests/coverage/run.py $(if $(K),-k '$(K)')

.PHONY: check
check: ## all tests
	@tests/deps.sh check
	@$(MAKE) --no-print-directory guest-parts kunit-modules
	@$(run-tests) unit daemon kunit qemu demo smoke

.PHONY: demo
demo: ## the demonstration: three machines, two friends and an intruder
	@tests/deps.sh demo
	@$(MAKE) --no-print-directory guest-parts
	@tests/demo/demo.py

.PHONY: bench
bench: ## figures: connect, round trip, bandwidth
	@tests/deps.sh check
	@$(MAKE) --no-print-directory guest-parts
	@$(USER_MAKE) -j$(JOBS) $(B)/user/test-progs/bench-connect
	@tests/bench/bench.py

.PHONY: style
style: ## formatters, linters and static analysis
	@tests/deps.sh style
	@tests/style.sh

# --- installing ----------------------------------------------------------------

include install.mk

.PHONY: clean
clean: ## remove everything that was built
	rm -rf $(B)
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
