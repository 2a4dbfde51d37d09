# Targets make their own virtual environment; nothing is needed but Python 3.11 or newer.
.PHONY: help demo test engines docs lint format types layers check clean clean-engines

# The first of these that is new enough; `make PYTHON=/path/to/python` chooses another.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
  "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
  && echo "$$python" && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# One more than cores, since one mostly waits for an engine; each imports and collects everything.
WORKERS ?= $$(($$(getconf _NPROCESSORS_ONLN) + 1))
CODE := dativo_infra stacks tests examples benchmarks engines docs

help: ## List the targets.
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 15

$(READY): pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer was not found; set PYTHON=..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: $(READY) ## Run the main job: check, plan, synthesise, preview and deploy the examples locally.
	@BIN=$(BIN) sh examples/demo.sh

test: $(READY) ## Run all tests.
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal

engines: $(READY) ## Find the engines that some tests run against; build with Go what is missing.
	@$(BIN)/python engines/build.py

docs: $(READY) ## Write the documentation that is made from tables in the code.
	@$(BIN)/python docs/generate.py

lint: $(READY) ## Check style and formatting.
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)

format: $(READY) ## Format the code.
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

types: $(READY) ## Check types.
	$(BIN)/basedpyright

layers: $(READY) ## Check that imports go one way (see docs/architecture.md).
	$(BIN)/lint-imports

check: lint types layers test ## Everything that a change must pass.

clean: ## Remove what the targets made, except the engines: these take many minutes to build.
	rm -rf $(VENV) out .pytest_cache .ruff_cache .hypothesis .import_linter_cache

clean-engines: ## Remove the engines that were built.
	rm -rf .engines
