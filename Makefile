# SPDX-License-Identifier: MIT
#
# The ways in. Meson does the work; what lands where:
#
#   build/        the programs: build/portcred and build/portcredd run in place
#   build-asan/   the same under AddressSanitizer and UndefinedBehaviorSanitizer (make check)
#   build-fuzz/   the libFuzzer targets and what they have found so far (make fuzz)
#   build-peers/  programs of others that tests and benchmarks talk to (make deps)
#
# CC=clang make, for another compiler, takes effect in a build directory that does not exist yet.

BUILD  ?= build
# Given, they are kept in the build directory: make prefix=/usr/local && sudo make install
prefix ?=
DESTDIR ?=
# Seconds a fuzz target runs.
FUZZ_SECONDS ?= 600

PYTHON ?= python3
# Python started as root must not leave bytecode of root's among the sources.
export PYTHONDONTWRITEBYTECODE = 1

# What root built belongs to whom the sources belong to: `make` works without sudo afterwards too.
give_back = [ "$$(id -u)" != 0 ] || chown -Rh --reference=Makefile $(BUILD)

.PHONY: all
all: $(BUILD)/build.ninja
	$(if $(prefix),@meson configure $(BUILD) --prefix $(prefix))
	@ninja -C $(BUILD); status=$$?; $(call give_back); exit $$status

# One command to configure, so that lint, tests and users get the same directory.
$(BUILD)/build.ninja:
	meson setup $(BUILD) $(if $(prefix),--prefix $(prefix))

.PHONY: deps
deps: ## install what is missing of the packages that all this needs
	@tools/deps.sh

.PHONY: check
check: ## all tests (as root; else the unit tests), most again under sanitizers, and short fuzzing
	@[ "$$(id -u)" != 0 ] || tools/deps.sh
	@$(PYTHON) tools/check.py

.PHONY: check-long
check-long: ## the tests that take hours too: soaks, packages, fuzzing FUZZ_SECONDS a target
	@[ "$$(id -u)" != 0 ] || tools/deps.sh --long
	@$(PYTHON) tools/check.py --long --fuzz-seconds $(FUZZ_SECONDS)

.PHONY: deps-kernels
deps-kernels: ## what check-kernels takes besides
	@tools/deps.sh --kernels

.PHONY: check-kernels
check-kernels: all ## the system tests on Debian's own kernels, under qemu: hours (KERNELS, TESTS, CORE=1, SHORT=1)
	@$(PYTHON) tools/kernels.py $(foreach name,$(KERNELS),--package $(name)) \
		$(if $(TESTS),--tests $(TESTS)) $(if $(CORE),--core) $(if $(SHORT),--short)

.PHONY: fuzz
fuzz: ## fuzz each target for FUZZ_SECONDS
	@$(PYTHON) tools/check.py --only fuzz --fuzz-seconds $(FUZZ_SECONDS)

.PHONY: lint
lint: all ## formatting, static analysis, layers, what every file must have
	@$(PYTHON) tools/lint.py $(BUILD)

.PHONY: lint-deep
lint-deep: all ## clang's analyzer again, as deep as it goes: minutes
	@$(PYTHON) tools/lint.py $(BUILD) tidy-deep

.PHONY: demo
demo: ## show the main job on real processes (as root)
	@$(MAKE) --no-print-directory deps
	@$(MAKE) --no-print-directory all
	@tools/demo.sh $(BUILD)

.PHONY: bench
bench: all ## measure what portcred costs (as root)
	@$(PYTHON) bench/run.py --build $(BUILD)

.PHONY: install
install: all ## below DESTDIR, in prefix
	@meson install -C $(BUILD) --no-rebuild --quiet $(if $(DESTDIR),--destdir $(abspath $(DESTDIR)))
	@$(give_back)

.PHONY: uninstall
uninstall: ## what install put there; a policy that was edited stays
	@$(PYTHON) tools/uninstall.py $(BUILD) $(if $(DESTDIR),--destdir $(abspath $(DESTDIR)))

.PHONY: clean
clean: ## remove all build directories
	rm -rf $(BUILD) build-asan build-fuzz build-kernels build-peers

.PHONY: help
help:
	@echo "make           build into $(BUILD)/"
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 15 | sed 's/^/make /'
