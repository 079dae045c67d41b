# Every target makes its own virtual environment in .venv from the locked dependencies:
# a machine needs Python 3.11 or newer and make, nothing else.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PEERS := .venv-bench
INSTALLED := $(VENV)/.installed
LOCK := $(BIN)/uv pip compile --universal --generate-hashes --python-version 3.11 --no-header --no-annotate
ARGS ?=
# Test modules at once, each process with a platform of its own: one more than two cores, since
# processes often wait for what they started.
TEST_PROCESSES ?= 3

.DEFAULT_GOAL := help
.PHONY: help install demo test check bench fuzz lock format clean

help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(INSTALLED): requirements.lock pyproject.toml hatch_build.py $(wildcard runut/native/*.p[yx]?)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Runut needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.12 …" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

install: $(INSTALLED) ## Install Runut and its locked dependencies into .venv

demo: $(INSTALLED) ## Start everything and play a real case (ARGS=--once stops at the end)
	$(BIN)/runut up --demo $(ARGS)

test: $(INSTALLED) ## Run all tests against real Kafka, registry and PostgreSQL
	$(BIN)/python tools/chromium.py
	$(BIN)/python -m pytest --numprocesses $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(INSTALLED) ## Lint, types, import rules, schema compatibility
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/check_schemas.py

# Without it the benchmark runs too, and says whom it could not measure.
$(PEERS)/.installed: requirements-bench.lock
	-$(PYTHON) -m venv $(PEERS) && $(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $< && touch $@

bench: $(INSTALLED) $(PEERS)/.installed ## Measure speed beside peers and what the parts allow
	$(BIN)/python -m bench --write docs/reference/performance.md $(ARGS)

fuzz: $(INSTALLED) ## Feed the codec rubbish for ten minutes (installs atheris)
	$(BIN)/python -m pip install --quiet atheris==3.0.0
	$(BIN)/python tools/fuzz_codec.py -max_total_time=600 -rss_limit_mb=200 $(ARGS)

lock: $(INSTALLED) ## Renew the locked dependencies from pyproject.toml
	$(LOCK) --extra server --extra platform --group dev pyproject.toml -o requirements.lock
	$(LOCK) -c requirements.lock --extra server pyproject.toml -o deploy/requirements-server.lock
	$(LOCK) -c requirements.lock --group build -o deploy/requirements-build.lock
	$(LOCK) --extra bench pyproject.toml -o requirements-bench.lock

format: $(INSTALLED) ## Format the code
	$(BIN)/ruff check --fix . && $(BIN)/ruff format .

clean: ## Remove the virtual environment, caches and the default data directory
	@if [ -x $(BIN)/runut ]; then $(BIN)/runut down || true; fi
	rm -rf $(VENV) $(PEERS) .runut .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
