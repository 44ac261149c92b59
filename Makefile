# Everything runs in .venv, which `make setup` makes from Python, this file and a package index.
#   make PYTHON=python3.12 setup    uses another interpreter
#   PIP_INDEX_URL, PIP_EXTRA_INDEX_URL and pip's other variables name another package index,
#   for example one with a CPU-only build of torch

PYTHON ?= python3
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.complete

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-slow check bench clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

setup: $(STAMP) ## create .venv with the pinned dependencies

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	    echo "tasktalk needs Python 3.11 or later, and $(PYTHON) is $$($(PYTHON) --version 2>/dev/null || echo missing);" \
	         "name another one: make PYTHON=python3.12 setup" >&2; exit 1; }
	@echo "Creating $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@echo "Installing the packages of constraints.txt into $(VENV): some minutes, mostly torch; log in $(VENV)/setup.log"
	@$(BIN)/python -m pip install --quiet --log $(VENV)/setup.log --disable-pip-version-check \
	    --constraint constraints.txt --editable ".[all]"
	@touch $@
	@echo "Ready: $(BIN)/tasktalk --help"

demo: setup ## train on molecules that ship with RDKit, alone and together (under 4 minutes)
	@$(BIN)/tasktalk demo --overwrite $(ARGS)

test: setup ## run the test suite
	@$(BIN)/python -m pytest $(ARGS)

test-slow: setup ## run the tests that take minutes
	@$(BIN)/python -m pytest -m slow $(ARGS)

bench: setup ## time a training step on this machine, as ratios
	@$(BIN)/tasktalk bench $(ARGS)

check: setup ## lint, format, types and import layers
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

clean: ## remove caches and build products; .venv and run folders stay
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
	rm -rf src/tasktalk.egg-info
