# `make demo` and `make test` are all a fresh Debian machine needs: each installs what it
# uses (system packages when run as root, else it names them), then does its work.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.NOTPARALLEL:
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
# Folders that tools look at, as far as they exist.
CHECKED := $(wildcard plugin tests bench scripts fuzz setup.py)
TYPED := $(wildcard plugin tests bench scripts fuzz)
CORE := $(wildcard plugin/core/*.c plugin/core/*.h)
PROJECT := setup.cfg setup.py pyproject.toml scripts/environment.sh
FUZZ_SECONDS ?= 30
# Most long tests wait for switches: one worker more than processors, and those tests first.
WORKERS ?= $(shell n=$$(nproc); echo $$((n < 3 ? n + 1 : 4)))

.PHONY: help demo test dev check controllers lint types layers pytest core reference fuzz image docs figures \
        format coverage bench models clean

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(VENV)/.run core ## Halia at work on a network in namespaces: a host turns bad, and is isolated
	@scripts/system.sh demo
	@$(MAKE) --no-print-directory controllers || echo "demo: without a controller of its own" >&2
	@$(BIN)/halia demo

test: ## everything CI runs: make check, the plain-Python core, fuzz, the image
	@scripts/system.sh test
	@$(MAKE) --no-print-directory dev controllers
	@$(MAKE) --no-print-directory lint types layers reference fuzz image pytest

dev: $(VENV)/.dev core ## the environment of a developer, in .venv

check: dev lint types layers pytest ## format, lint, types, layers, tests

$(VENV)/.run: $(PROJECT)
	@scripts/system.sh run
	@scripts/environment.sh $(VENV) demo
	@touch $@

$(VENV)/.dev: $(PROJECT)
	@scripts/system.sh run
	@scripts/environment.sh $(VENV) dev
	@touch $@ $(VENV)/.run

core: $(VENV)/.core ## build the compiled core in place

$(VENV)/.core: $(CORE) setup.py | $(VENV)/.run
	@scripts/core.sh $(BIN)/python
	@touch $@

controllers: ## the lab's controller and faucetconfrpc, each in an environment under build/faucet
	@PYTHON=$(abspath $(BIN))/python scripts/faucet.sh c65faucet confrpc

lint:
	@$(BIN)/ruff format --check $(CHECKED)
	@$(BIN)/ruff check $(CHECKED)

types:
	@$(BIN)/mypy $(TYPED)

layers:
	@$(BIN)/lint-imports --config setup.cfg

pytest:
	@$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST)

reference: ## the plain-Python core, with no compiler and no extension
	@scripts/reference.sh $(BIN)/python

fuzz: ## fuzz the compiled core under ASan and UBSan for FUZZ_SECONDS
	@if [ -x fuzz/run.sh ]; then FUZZ_SECONDS=$(FUZZ_SECONDS) PYTHON=$(BIN)/python fuzz/run.sh; \
	else echo "fuzz: there is no fuzz/run.sh yet"; fi

image: ## build the container image and run it on a capture
	@scripts/image.sh $(BIN)/python

docs: dev ## write docs/cli.md, the table of modules and configs/halia.yaml anew
	@$(BIN)/python -m plugin.cli.reference > docs/cli.md
	@$(BIN)/python scripts/modules.py
	@$(BIN)/halia config init --out configs/halia.yaml --force -q

models: dev ## rebuild the shipped models from the shared data folder
	@$(BIN)/python scripts/build_models.py --shared "$${HALIA_SHARED:-../shared}/data"

figures: dev ## rebuild the models and measure every figure of the documents: an hour (ALL=1: labs, netml)
	@$(BIN)/python scripts/figures.py --shared "$${HALIA_SHARED:-../shared}/data" $(if $(ALL),--all)

bench: dev ## measure Halia beside its peers
	@$(BIN)/python -m bench core
	@$(BIN)/python -m bench model
	@$(BIN)/python -m bench capture
	@$(BIN)/python -m bench engine

format: dev
	@$(BIN)/ruff format $(CHECKED)
	@$(BIN)/ruff check --fix $(CHECKED)

coverage: dev
	@$(BIN)/python -m pytest -q --cov=plugin --cov-report=term-missing

clean: ## remove what make has made, the environment too
	@rm -rf $(VENV) build dist *.egg-info .coverage htmlcov .hypothesis .*_cache plugin/core/*.so
