# Two commands do everything: `make run` serves a filled demo on http://localhost:8080,
# `make test` proves the whole thing. `make help` lists the rest.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

CARGO ?= cargo
DATA ?= data
LISTEN ?= 127.0.0.1:8080
# What `make bench` plays against a hub of its own.
BENCH_LISTEN ?= 127.0.0.1:18080
BENCH_MEETINGS ?= 1 5
BENCH_LOADS ?= forwarding sockets breakouts churn flaky signing
# How many cases each property test of `make fuzz` draws: about ten minutes on two cores.
FUZZ_CASES ?= 200000
# How long each of its coverage-guided targets runs.
FUZZ_SECONDS ?= 300
SETUP := target/setup
# What was built from the same sources stays: the binary holds it, and would be built again.
WEB := portal/web signaling/web media-test/web
# The same for the product and the tests. What breaks the rooms' isolation for one test
# (`signaling/broken-isolation`) is asked for by that test alone and stays out of the product.
BUILD := --release --workspace --locked
ROOT := $(CURDIR)
export ACCORDO_PYHANKO := $(ROOT)/.venv/bin/pyhanko
# What a Debian machine may lack. Building needs the first list, proving the second.
BUILD_PACKAGES := build-essential pkg-config libssl-dev
TEST_PACKAGES := chromium firefox-esr qpdf poppler-utils openssl postgresql python3-venv xmlsec1
# The peer that loads are compared with, and the network for both.
BENCH_PACKAGES := janus iproute2 curl

.PHONY: help
help: ## What there is to run
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 18

.PHONY: run
run: build ## Serve the filled demo on http://localhost:8080 (data stays in ./data)
	exec target/release/hub serve --demo --listen $(LISTEN) --data $(DATA)

.PHONY: build
build: $(SETUP)/build-packages web ## Browser parts and release binaries
	$(CARGO) build $(BUILD) --bins

.PHONY: check
check: $(SETUP)/build-packages web ## The quick round: format, clippy, unit tests without browsers
	$(CARGO) fmt --all --check
	$(CARGO) clippy $(BUILD) --all-targets -- -D warnings
	npm run --silent check
	$(CARGO) test $(BUILD) --lib

.PHONY: test
test: $(SETUP)/build-packages $(SETUP)/test-packages $(SETUP)/nextest .venv/ready web ## Everything; what is missing fails, nothing is skipped
	$(CARGO) fmt --all --check
	npm run --silent check
	npm run --silent test
	$(CARGO) clippy $(BUILD) --all-targets -- -D warnings
	$(CARGO) nextest run $(BUILD) --no-fail-fast

.PHONY: web
web: node_modules/.package-lock.json ## Browser parts only
	@now=$$(find package-lock.json $(WEB) -type f -not -path '*/dist*' -not -path '*/node_modules/*' -print0 | sort -z | xargs -0 sha256sum | sha256sum); \
	if [ "$$now" != "$$(cat $(SETUP)/web 2>/dev/null)" ] || ! ls -d $(addsuffix /dist,$(WEB)) >/dev/null 2>&1; then \
	  npm run --silent build && mkdir -p $(SETUP) && echo "$$now" >$(SETUP)/web; \
	fi

.PHONY: bench
bench: build $(SETUP)/bench-packages $(SETUP)/nextest .venv/ready ## Whole meetings and loads at full size (reports in target/bench), Janus beside us
	@loadtests/bench.sh $(BENCH_LISTEN) "$(BENCH_MEETINGS)" "$(BENCH_LOADS)"
	$(CARGO) nextest run $(BUILD) -E 'package(signaling) & binary(media)' --run-ignored only --no-capture

# The property tests draw hostile packets, spliced PDFs, random schedules of rooms and of signature
# processes; the coverage-guided targets read what strangers can send to the rooms, and files to be
# verified.
.PHONY: fuzz
fuzz: $(SETUP)/build-packages $(SETUP)/nextest web ## Property tests with FUZZ_CASES cases each, fuzz targets for FUZZ_SECONDS each
	ROOM_SCHEDULES=$(FUZZ_CASES) PROPTEST_CASES=$(FUZZ_CASES) $(CARGO) nextest run $(BUILD) --no-fail-fast \
	  -E 'package(signaling) & kind(lib) | (package(signing) | package(signing-trust-lists)) & (kind(lib) | test(/hostile/))'
	signaling/fuzz/run $(FUZZ_SECONDS)
	signaling/fuzz/run $(FUZZ_SECONDS) signing/fuzz 65536

.PHONY: audit
audit: ## Licences and origin of every dependency
	command -v cargo-deny >/dev/null || $(CARGO) install --locked cargo-deny
	$(CARGO) deny check bans licenses sources

.PHONY: fmt
fmt: ## Format everything
	$(CARGO) fmt --all

.PHONY: clean
clean: ## Remove what was built; ./data stays
	rm -rf target node_modules .venv hub/e2e/pictures hub/e2e/dist */web/dist

node_modules/.package-lock.json: package.json package-lock.json $(wildcard */web/package.json hub/e2e/package.json)
	npm ci --no-audit --no-fund
	touch $@

# Installs the Debian packages of the list that are not there yet; root or sudo.
define install
	@missing=$$(for p in $(1); do dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || echo $$p; done); \
	if [ -n "$$missing" ]; then \
	  sudo=$$([ "$$(id -u)" = 0 ] || echo sudo); \
	  $$sudo apt-get update -q && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends $$missing; \
	fi
	@mkdir -p $(SETUP) && touch $@
endef

$(SETUP)/build-packages:
	$(call install,$(BUILD_PACKAGES))

$(SETUP)/bench-packages:
	$(call install,$(BENCH_PACKAGES))

$(SETUP)/test-packages:
	$(call install,$(TEST_PACKAGES))

$(SETUP)/nextest:
	command -v cargo-nextest >/dev/null || $(CARGO) install --locked cargo-nextest
	@mkdir -p $(SETUP) && touch $@

.venv/ready: hub/e2e/requirements.txt
	python3 -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check -r hub/e2e/requirements.txt
	touch $@
