# `make` lists the targets. Everything that is built lies under target/ and .venv/.

.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
RETAIL := examples/retail
REPORT := target/retail.html
CREDIT := Data: Online Retail II by Daqing Chen, UCI Machine Learning Repository (archive.ics.uci.edu/dataset/502), CC BY 4.0, changed as $(RETAIL)/README.md says.

# One folder for all that cargo builds, whoever calls it.
export CARGO_TARGET_DIR ?= $(CURDIR)/target
# Property tests try the same cases on every run; another seed tries others.
export PROPTEST_RNG_SEED ?= 1
export PYO3_PYTHON := $(BIN)/python

RUST := $(shell find core arrow ffi python/src -name '*.rs' -o -name build.rs 2>/dev/null) $(wildcard Cargo.* */Cargo.toml)

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(VENV)/wheel ## replay a year of a shop and write the report target/retail.html
	@mkdir -p $(dir $(REPORT))
	@$(BIN)/tactful replay --playbook $(RETAIL)/playbook.yaml \
		--events $(RETAIL)/events.parquet --events $(RETAIL)/simulated.parquet \
		--report $(REPORT) --credit "$(CREDIT)"
	@echo "Open it: file://$(CURDIR)/$(REPORT)"

.PHONY: test
test: test-rust test-python ## run all tests: Rust, C, C++, Python, types, demo

.PHONY: test-rust
test-rust: $(VENV)/packages
	cargo test --workspace --locked

.PHONY: test-python
test-python: $(VENV)/wheel
	cd python && $(BIN)/mypy
	cd python && $(BIN)/stubtest --mypy-config-file pyproject.toml tactful
	cd python && $(BIN)/pytest

.PHONY: bench
bench: ## run the benchmarks, peers side by side
	cargo bench --manifest-path benches/Cargo.toml

.PHONY: fuzz
fuzz: ## fuzz the rule language for some minutes: against another implementation, and with damaged texts
	cd fuzz && cargo run --release -- differ 1000000 && cargo run --release -- texts 1000000

.PHONY: count
count: ## count the instructions of matching rules, recording and deciding, and fail when there are more
	benches/instructions.sh

.PHONY: fmt
fmt: $(VENV)/packages ## format all code
	cargo fmt --all
	$(BIN)/ruff format python examples

.PHONY: lint
lint: $(VENV)/packages ## check format, lints and types
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	$(BIN)/ruff format --check python examples
	$(BIN)/ruff check python examples
	cd python && $(BIN)/mypy

.PHONY: deps
deps: ## install tools that some tests want (Debian, as root); tests whose tool is absent skip and say so
	@.ci/deps

.PHONY: clean
clean: ## remove all that was built
	rm -rf target $(VENV) python/tactful/*.so python/.*_cache .*_cache

# --- what the targets stand on -----------------------------------------------------------------------------------------

.PHONY: prerequisites
prerequisites:
	@PYTHON=$(PYTHON) .ci/prerequisites

$(VENV)/packages: python/requirements-dev.txt | prerequisites
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

$(VENV)/wheel: $(VENV)/packages $(RUST) python/pyproject.toml
	cd python && VIRTUAL_ENV=$(CURDIR)/$(VENV) PATH="$(BIN):$$PATH" $(BIN)/maturin develop --release --locked --quiet
	@touch $@
