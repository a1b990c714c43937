# What can be done with this repository. `make` alone lists it.

# A shell that was open when Rust was installed does not have it on its PATH yet.
export PATH := $(PATH):$(if $(CARGO_HOME),$(CARGO_HOME),$(HOME)/.cargo)/bin

# The data directory and the address of `make run`.
DATA_DIR ?= ./revaer-data
LISTEN ?= 127.0.0.1:7070

.DEFAULT_GOAL := help
.PHONY: help bootstrap build run demo test lint fmt openapi bench soak clean

help: ## list what can be done
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

bootstrap: ## install what is missing to build, test and run (Debian packages; says which)
	@scripts/bootstrap

build: bootstrap ## build revaerd and revaer, optimised
	cargo build --locked --release -p revaer-server -p revaer-cli

run: build ## start the service on DATA_DIR and LISTEN, until Ctrl-C
	target/release/revaerd --data-dir "$(DATA_DIR)" --listen "$(LISTEN)"

demo: bootstrap ## show the main job end to end on real parts, a kill -9 included
	scripts/demo

test: bootstrap ## check formatting, lints and the rules of the house, and run all tests
	@scripts/test

lint: ## clippy and tidy alone
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cargo run --locked --quiet -p xtask -- tidy

fmt: ## format the sources
	cargo fmt --all

openapi: bootstrap ## write the API's document anew into openapi/
	cargo run --locked --quiet -p revaer-server -- openapi > openapi/revaer.json.new
	mv openapi/revaer.json.new openapi/revaer.json

bench: bootstrap ## measure against a bare libtorrent session, as ratios
	scripts/bench

soak: bootstrap ## run the service for long under load
	scripts/soak

clean: ## remove what was built
	cargo clean
