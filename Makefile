# What can be done with this repository. `make` alone lists it.

# A shell that was open when Rust was installed does not have it on its PATH yet.
export PATH := $(PATH):$(if $(CARGO_HOME),$(CARGO_HOME),$(HOME)/.cargo)/bin

# The data directory and the address of `make run`.
DATA_DIR ?= ./revaer-data
LISTEN ?= 127.0.0.1:7070
# How it is built: dev is quick to build, release is quick to run.
PROFILE ?= dev
# How the image is called, and by what it is built.
IMAGE ?= revaer
DOCKER ?= docker
# Where bootstrap puts the tools that are the project's and not the machine's.
TOOLS = target/tools/venv/bin:target/tools/bin

.DEFAULT_GOAL := help
.PHONY: help bootstrap programs tools fuzzer build run demo test lint fmt openapi docs bench bench-lists bench-log bench-guard bench-fsops bench-service fuzz-api lint-runbook soak clean deb package-check image image-check dist sums release-version packager lint-workflows deny advisories supply

help: ## list what can be done
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

bootstrap: ## install what is missing to build, test and run (says what)
	@scripts/bootstrap tests

# The same without the test runner, which takes minutes to build and which only tests need.
programs:
	@scripts/bootstrap

# And with the programs that ask the service over HTTP.
tools:
	@scripts/bootstrap demo

# And with what draws requests from the document.
fuzzer:
	@scripts/bootstrap fuzz

# And with what packs programs, and what tries packages and images in containers.
packager:
	@scripts/bootstrap packages

# And with what judges dependencies.
supply:
	@scripts/bootstrap supply

build: programs ## build revaerd and revaer, optimised
	cargo build --locked --release -p revaer-server -p revaer-cli

deb: packager build ## pack the Debian package, in dist/
	@scripts/deb dist

package-check: packager build ## install, use, upgrade and purge the package in a clean Debian (needs root)
	cargo build --locked --quiet -p revaer-test-support --features swarm --bin revaer-seeder
	@scripts/package-check

image: ## build the container image
	$(DOCKER) build --tag "$(IMAGE)" --build-arg VERSION="$$(sed -n 's/^version = "\(.*\)"$$/\1/p' Cargo.toml)" --build-arg REVISION="$$(git rev-parse HEAD)" .

image-check: packager build ## build the image and try it read-only and without privileges (needs root); IMAGE_PULL=1 with the registry's images
	@scripts/image-check

dist: packager build ## make what a release is made of, in dist/: tarball, package, bill of materials, sums
	@scripts/dist

sums: ## sum up what lies in dist/
	@scripts/sums

release-version: ## refuse a TAG that is not the version of the sources
	@scripts/release-version "$(TAG)"

run: programs ## start the service on DATA_DIR and LISTEN, until Ctrl-C, and set it up if it is new; PROFILE=release for one that stays
	@DATA_DIR="$(DATA_DIR)" LISTEN="$(LISTEN)" PROFILE=$(PROFILE) exec scripts/run

demo: tools ## show the main job end to end on real parts, a kill -9 included
	@PROFILE=$(PROFILE) scripts/demo

test: bootstrap ## check formatting, lints and the rules of the house, and run all tests
	@scripts/test

lint: ## clippy and tidy alone
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cargo run --locked --quiet -p xtask -- tidy

lint-workflows: ## hold the workflows of continuous integration against actionlint, zizmor and the rules of the house
	@scripts/lint-workflows

deny: supply ## judge the licences, sources and versions of all dependencies
	@PATH="$(PATH):$(TOOLS)" cargo-deny --locked --log-level error check bans licenses sources

advisories: supply ## look for known defects of the dependencies; fetches the database of advisories
	@PATH="$(PATH):$(TOOLS)" cargo-deny --locked --log-level error check advisories

fmt: ## format the sources
	cargo fmt --all

openapi: programs ## write the API's document anew into openapi/
	cargo run --locked --quiet -p revaer-server -- openapi > openapi/revaer.json.new
	mv openapi/revaer.json.new openapi/revaer.json

docs: programs ## write anew what is generated in docs/: settings, metrics, events, both command lines; and the client's list of settings
	cargo run --locked --quiet -p revaer-server -- manual > docs/reference/revaerd.md.new
	mv docs/reference/revaerd.md.new docs/reference/revaerd.md
	cargo run --locked --quiet -p revaer-cli -- manual > docs/reference/revaer.md.new
	mv docs/reference/revaer.md.new docs/reference/revaer.md
	cargo run --locked --quiet -p xtask -- events > docs/events.md.new
	mv docs/events.md.new docs/events.md
	cargo run --locked --quiet -p revaer-server -- settings > docs/settings.md.new
	mv docs/settings.md.new docs/settings.md
	cargo run --locked --quiet -p revaer-server -- settings --completions > crates/cli/src/commands/settings/settings.json.new
	mv crates/cli/src/commands/settings/settings.json.new crates/cli/src/commands/settings/settings.json
	cargo run --locked --quiet -p revaer-server -- metrics > docs/metrics.md.new
	mv docs/metrics.md.new docs/metrics.md

bench: tools ## measure against a bare libtorrent session, as ratios (builds with --release)
	@scripts/bench

bench-lists: programs ## measure pages of lists in a large library and in a small one (builds with --release)
	@scripts/bench-lists

bench-log: programs ## measure the log against plain PostgreSQL, as ratios (builds with --release)
	@scripts/bench-log

bench-guard: programs ## measure what keys and limits cost of a list's throughput (builds with --release)
	@scripts/bench-guard

bench-service: programs ## measure the whole service at scale, as ratios; ROWS chooses what (builds with --release)
	@scripts/bench-service

fuzz-api: fuzzer ## ask the service whatever its document allows and forbids, for FUZZ_SECONDS
	@scripts/fuzz-api

bench-fsops: bootstrap ## measure files on their way into a library against cp and 7z, as ratios (builds with --release)
	@scripts/bench-fsops

lint-runbook: tools ## hold alert rules, dashboard and metrics against promtool (fetches it from Debian)
	@scripts/lint-runbook

soak: bootstrap ## run what chance decides again and again, for SOAK_MINUTES
	@scripts/soak

clean: ## remove what was built
	cargo clean
