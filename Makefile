# Two commands do everything: `make run` serves a filled demo on http://localhost:8080,
# `make test` proves the whole thing. `make help` lists the rest.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

CARGO ?= cargo
DATA ?= data
LISTEN ?= 127.0.0.1:8080
SETUP := target/setup
ROOT := $(CURDIR)
export ACCORDO_PYHANKO := $(ROOT)/.venv/bin/pyhanko
# What a Debian machine may lack. Building needs the first list, proving the second.
BUILD_PACKAGES := build-essential pkg-config libssl-dev
TEST_PACKAGES := chromium qpdf poppler-utils openssl postgresql python3-venv

.PHONY: help
help: ## What there is to run
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 18

.PHONY: run
run: build ## Serve the filled demo on http://localhost:8080 (data stays in ./data)
	exec target/release/hub serve --demo --listen $(LISTEN) --data $(DATA)

.PHONY: build
build: $(SETUP)/build-packages web ## Browser parts and release binaries
	$(CARGO) build --release --workspace --bins --locked

.PHONY: check
check: $(SETUP)/build-packages web ## The quick round: format, clippy, unit tests without browsers
	$(CARGO) fmt --all --check
	$(CARGO) clippy --release --workspace --all-targets --locked -- -D warnings
	npm run --silent check
	$(CARGO) nextest run --release --workspace --locked --lib

.PHONY: test
test: $(SETUP)/build-packages $(SETUP)/test-packages $(SETUP)/nextest .venv/ready web ## Everything; what is missing fails, nothing is skipped
	$(CARGO) fmt --all --check
	npm run --silent check
	npm run --silent test
	$(CARGO) clippy --release --workspace --all-targets --locked -- -D warnings
	$(CARGO) nextest run --release --workspace --locked --no-fail-fast

.PHONY: web
web: node_modules/.package-lock.json ## Browser parts only
	npm run --silent build

.PHONY: bench
bench: build ## Full-scale loads (minutes to hours)
	for n in 1 5; do target/release/loadtests bench --scenario loadtests/scenarios/whole-meeting.toml --meetings $$n; done

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

$(SETUP)/test-packages:
	$(call install,$(TEST_PACKAGES))

$(SETUP)/nextest:
	command -v cargo-nextest >/dev/null || $(CARGO) install --locked cargo-nextest
	@mkdir -p $(SETUP) && touch $@

.venv/ready: hub/e2e/requirements.txt
	python3 -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check -r hub/e2e/requirements.txt
	touch $@
