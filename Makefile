# `make` alone shows this help.
#
# Builds name no package: so features are the same in all of them, and each crate is built once
# a profile.
CARGO ?= cargo
export CARGO_TARGET_DIR ?= $(CURDIR)/target
RELEASE := $(CARGO_TARGET_DIR)/release
L0 := -p pointsman-model -p pointsman-media -p pointsman-raster -p pointsman-rtmp -p pointsman-rtsp

.PHONY: help setup setup-test build run test lint wasm-check schemathesis openapi peer-table deny bench fuzz

help: ## Show this help
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: ## Install what building and running needs (apt, rustup target)
	@scripts/setup.sh run

setup-test: ## Install what the tests need as well
	@scripts/setup.sh test

build: setup ## Build the host and the shipped plugins, optimised
	$(CARGO) build --release --bin pointsman --bin bench
	@$(RELEASE)/pointsman plugin build --quiet plugins/fanout --out $(CARGO_TARGET_DIR)/plugins

run: build ## Build all, start the demo, stop with Ctrl-C
	@exec $(RELEASE)/pointsman demo --plugins $(CARGO_TARGET_DIR)/plugins

test: setup-test lint wasm-check ## Check and test everything, real peers included
	POINTSMAN_UNDER_TEST=$(CARGO_TARGET_DIR)/debug/pointsman $(CARGO) test --workspace -- --test-threads=2
	$(MAKE) schemathesis

# A test's build has the program too, and with the features that all tests are built with.
schemathesis: setup-test ## Ask a host what its OpenAPI document allows and does not
	$(CARGO) test --workspace --no-run --test process
	scripts/schemathesis.sh $(CARGO_TARGET_DIR)/debug/pointsman

openapi: ## Write docs/openapi.json anew from the code
	$(CARGO) test --workspace --no-run --test process
	$(CARGO_TARGET_DIR)/debug/pointsman openapi > docs/openapi.json

peer-table: setup-test ## Write docs/peers.md anew from a run among all peers
	$(CARGO) test --workspace --no-run --test process
	POINTSMAN_WRITE_PEER_TABLE=1 POINTSMAN_UNDER_TEST=$(CARGO_TARGET_DIR)/debug/pointsman \
		$(CARGO) test --workspace --test peer_table

lint: ## rustfmt and clippy, warnings are errors
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings

wasm-check: ## The ground floor opens no socket and reads no clock: it builds for wasm32
	$(CARGO) check --target wasm32-unknown-unknown $(L0)

deny: ## Licences, sources and duplicate versions (needs cargo-deny)
	@command -v cargo-deny >/dev/null || { echo "deny: cargo install --locked cargo-deny" >&2; exit 1; }
	cargo deny check licenses bans sources

bench: setup-test build ## Measure against nginx-rtmp and a bare sender; prints ratios
	@$(RELEASE)/bench

fuzz: ## Ten minutes for each parser that takes outside bytes (needs nightly, cargo-fuzz)
	tests/fuzz/run.sh
