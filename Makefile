# Every command of this project.  `make` alone lists them.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SERVE := $(VENV)/.serve-installed
DEV := $(VENV)/.dev-installed
FUZZ := $(VENV)/.fuzz-installed
AUDIT := $(VENV)/.audit-installed
AUDITED := serve extras fuzz audit  # what is in dev is in extras
EXTRAS_VENV := .venv-extras
EXTRAS := $(EXTRAS_VENV)/.installed
PROTOS := $(sort $(wildcard proto/contextd/v1/*.proto))
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
EXTRAS_PIP_INSTALL := $(patsubst $(BIN)/%,$(EXTRAS_VENV)/bin/%,$(PIP_INSTALL))
COMPILE := $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --quiet \
	--generate-hashes --no-emit-index-url --no-annotate --custom-compile-command "make lock"

.PHONY: help
help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' \
		| while IFS=$$'\t' read -r name what; do printf '  make %-16s %s\n' "$$name" "$$what"; done

# ── set-up: nothing but make and Python 3.11 is taken for granted ────────────────────

$(BIN)/python:
	@scripts/make_venv.sh $(PYTHON) $(VENV)

$(SERVE): requirements/serve.lock pyproject.toml | $(BIN)/python
	@echo "installing the daemon's locked dependencies into $(VENV) …"
	@$(PIP_INSTALL) --require-hashes -r requirements/serve.lock
	@$(PIP_INSTALL) --no-deps --editable .
	@touch $@

$(DEV): requirements/dev.lock pyproject.toml | $(BIN)/python
	@echo "installing the locked development tools into $(VENV) …"
	@$(PIP_INSTALL) --require-hashes -r requirements/dev.lock
	@$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(FUZZ) $(AUDIT): $(VENV)/.%-installed: requirements/%.lock $(DEV)
	@echo "installing what make $* needs into $(VENV) …"
	@$(PIP_INSTALL) --require-hashes -r $<
	@touch $@

$(EXTRAS): requirements/extras.lock pyproject.toml
	@[ -x $(EXTRAS_VENV)/bin/python ] || scripts/make_venv.sh $(PYTHON) $(EXTRAS_VENV)
	@echo "installing the heavy extras into $(EXTRAS_VENV) (torch: gigabytes) …"
	@$(EXTRAS_PIP_INSTALL) --require-hashes -r requirements/extras.lock
	@$(EXTRAS_PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: setup
setup: $(DEV) ## make .venv with everything needed to work on contextd

# ── use ───────────────────────────────────────────────────────────────────────────────

.PHONY: demo
demo: $(SERVE) ## play a long support conversation through a running daemon
	@$(BIN)/contextd demo

.PHONY: demo-cluster
demo-cluster: $(DEV) ## two daemons, a Redis and a Postgres, one conversation; one daemon is killed
	@$(BIN)/python -m scripts.demo_cluster

.PHONY: run
run: $(SERVE) ## start the daemon on its default addresses, with its state in contextd.db
	@$(BIN)/contextd serve

# ── work ──────────────────────────────────────────────────────────────────────────────

.PHONY: servers
servers: ## install the servers that the tests start (Debian, as root), where they are missing
	@scripts/install_servers.sh

.PHONY: test
test: $(DEV) servers ## run the tests (ARGS are for pytest)
	@$(BIN)/python -m pytest $(ARGS)

.PHONY: test-stores
test-stores: $(DEV) servers ## run the suites of the stores with many more seeds (an hour and more)
	@$(BIN)/python -m pytest --hypothesis-profile=thorough --more-seeds 100 --timeout 3600 \
		tests/conformance/test_stores.py tests/stores tests/engine/test_several_engines.py $(ARGS)
	@for store in redis redis+cluster postgres hot+cold; do \
		$(BIN)/python -m benchmarks.partitions --store $$store --rounds 50; done

.PHONY: test-extras
test-extras: $(EXTRAS) ## run the tests of the extras that bring torch, in a .venv of their own
	@$(EXTRAS_VENV)/bin/python -m pytest -m extra $(ARGS)

.PHONY: fuzz
fuzz: $(FUZZ) ## hunt for bytes that break a promise, a minute a target (ARGS="--seconds 3600")
	@$(BIN)/python -m tests.fuzz $(ARGS)

.PHONY: audit
audit: $(DEV) ## fail if a locked dependency has a known vulnerability; say what is not known
	@$(MAKE) $(AUDIT) || { echo "not audited: pip-audit cannot be installed"; exit 0; }; \
	$(BIN)/python scripts/audit.py $(ARGS) $(AUDITED:%=requirements/%.lock)

.PHONY: test-mutants
test-mutants: $(DEV) ## take each safeguard away and see the tests go red (ARGS: names, --jobs N)
	@$(BIN)/python -m tests.mutants $(ARGS)

.PHONY: lint
lint: $(DEV) ## ruff, mypy, import rules, hadolint
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@cd clients/python && ../../$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/hadolint Dockerfile

.PHONY: fmt
fmt: $(DEV) ## format the code and the contract, and fix what can be fixed
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .
	@$(BIN)/buf format --write

.PHONY: bench-quality
bench-quality: $(DEV) ## measure the contexts on the sets in DATA (without: on our own samples)
	@mkdir -p build
	@$(BIN)/python -m benchmarks.quality $(if $(DATA),--data $(DATA) --plots build/quality,--quick) \
		--json build/quality.json $(ARGS)

.PHONY: bench-load
bench-load: $(DEV) ## measure latency, goodput and cost under load (ARGS=--quick: does it work?)
	@mkdir -p build
	@$(BIN)/python -m benchmarks.load --folder build --json build/load.json --plots build/load $(ARGS)

.PHONY: bench-crash
bench-crash: $(DEV) ## kill daemons and take the power from the store (ARGS=--kills 2000 …)
	@mkdir -p build
	@$(BIN)/python -m benchmarks.crash --json build/crash.json $(ARGS)

.PHONY: bench-partitions
bench-partitions: $(DEV) servers ## break daemons and servers while they are used (STORE=…, ARGS=--rounds 1000 …)
	@mkdir -p build
	@$(BIN)/python -m benchmarks.partitions --store $(or $(STORE),redis) \
		--json build/partitions.json $(ARGS)

# ── the contract ──────────────────────────────────────────────────────────────────────

define generate  # $(1): where to
	@$(BIN)/python -m grpc_tools.protoc -I proto --python_out=$(1) --pyi_out=$(1) $(PROTOS)
	@$(BIN)/python -m grpc_tools.protoc -I proto --grpc_python_out=$(1) \
		--plugin=protoc-gen-mypy_grpc=$(BIN)/protoc-gen-mypy_grpc --mypy_grpc_out=quiet:$(1) \
		$(filter %_service.proto,$(PROTOS))
endef

.PHONY: proto
proto: $(DEV) ## generate contextd/v1 from proto/
	@rm -f contextd/v1/*_pb2*
	$(call generate,.)

.PHONY: proto-check
proto-check: $(DEV) ## fail if the contract is unclean, breaks callers, or differs from contextd/v1
	@rm -rf build/proto && mkdir -p build/proto
	$(call generate,build/proto)
	@diff -r --brief --exclude __init__.py --exclude __pycache__ build/proto/contextd/v1 contextd/v1 \
		|| { echo "contextd/v1 differs from proto/: run 'make proto' and commit"; exit 1; }
	@$(BIN)/buf lint
	@$(BIN)/buf format --diff --exit-code
	@$(BIN)/buf breaking --against proto/baseline.binpb
	@echo "the contract is clean"

.PHONY: proto-baseline
proto-baseline: $(DEV) ## at a release: make today's contract the one that must not break
	@$(BIN)/buf build --exclude-source-info --output proto/baseline.binpb

# ── release ───────────────────────────────────────────────────────────────────────────

.PHONY: lock
lock: $(DEV) ## resolve the lock files anew (pass ARGS=--upgrade for newer versions)
	@$(COMPILE) --extra serve --output-file requirements/serve.lock $(ARGS)
	@$(COMPILE) --extra serve --extra testing --group dev --constraints requirements/serve.lock \
		--output-file requirements/dev.lock $(ARGS)
	@$(COMPILE) --extra serve --extra testing --extra sentence-transformers --group dev \
		--constraints requirements/dev.lock --output-file requirements/extras.lock $(ARGS)
	@$(COMPILE) --group fuzz --constraints requirements/dev.lock \
		--output-file requirements/fuzz.lock $(ARGS)
	@$(COMPILE) --group audit --constraints requirements/dev.lock \
		--output-file requirements/audit.lock $(ARGS)

.PHONY: wheel
wheel: $(DEV) ## build dist/*.whl
	@rm -rf dist
	@$(BIN)/python -m build --wheel --no-isolation --outdir dist . >/dev/null
	@ls dist

.PHONY: wheel-test
wheel-test: wheel ## install the wheel elsewhere, without a network, and talk to it
	@PYTHON=$(BIN)/python scripts/wheel_test.sh dist/*.whl requirements/serve.lock

.PHONY: clean
clean: ## remove what was built, and both virtual environments
	@rm -rf $(VENV) $(EXTRAS_VENV) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
