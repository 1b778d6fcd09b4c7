# Thin on purpose: what there is to know about each of these is in xtask/ (`cargo xtask help`).

KERNEL ?= 6.1
ARGS ?=
TIME ?= 600
PREFIX ?= /usr/local

export PATH := $(HOME)/.cargo/bin:$(PATH)
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
# Cargo builds as you; only the program itself runs as root.
RUNNER := $(if $(SUDO),--config 'target."cfg(all())".runner="sudo"')
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null)
XTASK := cargo xtask

.PHONY: help
help: ## list these targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1	\2/p' $(MAKEFILE_LIST) | expand -t 16

.PHONY: run
run: rust ## build the demo and run it as root, with ARGS="--attach kprobe ..."
	$(if $(VERSION),OXBPF_VERSION=$(VERSION)) cargo run --release --package exec-count $(RUNNER) -- $(ARGS)

.PHONY: test
test: setup ## everything that must be green: format, lints, tests, tests inside a real kernel
	$(XTASK) test

.PHONY: generate
generate: setup ## rebuild the generated files that are committed
	$(XTASK) generate

.PHONY: vmtest
vmtest: setup ## run the kernel tests inside Debian's KERNEL=6.1 (5.10, 6.12, 7, ..., host, all)
	$(XTASK) vmtest --kernel $(KERNEL)

.PHONY: conformance
conformance: setup ## show some 1,300 objects of others to libbpf and to us, here and inside 6.12 and 7.x, and compare
	$(XTASK) conformance --kernel host,6.12,7
	cargo test --package bpf2rs --test corpus -- --ignored --nocapture

.PHONY: mutate
mutate: setup ## break the code line by line, and see a test fail each time
	$(XTASK) mutate

.PHONY: fuzz
fuzz: setup ## feed mutated input to every reader of bytes, for TIME=600 seconds in all
	$(XTASK) fuzz --time $(TIME)

.PHONY: soak
soak: TIME := 3600
soak: setup ## load, attach, drop and read rings for TIME=3600 seconds each: nothing grows
	$(XTASK) soak --time $(TIME)

.PHONY: deny
deny: rust ## hold the dependencies to deny.toml: licences, advisories, one version of each
	$(XTASK) deny

.PHONY: reproducible
reproducible: setup ## build what is handed out twice, in two places: the same bytes
	$(XTASK) reproducible

.PHONY: msrv
msrv: setup ## build the libraries with the oldest Rust they promise to work with
	$(XTASK) msrv

.PHONY: image
image: rust ## build a container image with nothing in it but the static demo
	$(if $(VERSION),OXBPF_VERSION=$(VERSION)) $(XTASK) image

.PHONY: install
install: rust ## install the static programs oxbpf, bpf2rs and exec-count into PREFIX/bin
	$(if $(VERSION),OXBPF_VERSION=$(VERSION)) $(XTASK) install $(DESTDIR)$(PREFIX)

.PHONY: bench
bench: setup ## measure what we cost, and what our peers cost
	$(XTASK) bench

.PHONY: clean
clean: ## remove what was built
	cargo clean

.PHONY: rust
rust:
	@./setup.sh

.PHONY: setup
setup: rust
	@$(XTASK) setup
