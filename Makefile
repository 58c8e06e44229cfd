# Every command of the repository. The first one makes .venv (tools/bootstrap.sh); the tools themselves are Python.
PYTHON := .venv/bin/python
STACK := $(PYTHON) -m tools.stack
# Which tests, and how: make test TESTS=services/trading PYTEST="-n 0 -x". A platform has ports of its own: its tests run in one process.
PYTEST ?= $(if $(filter tests/%,$(TESTS)),,-n 2 --dist loadfile)
SERVICES := auth trading market backtest broker notification
empty :=
space := $(empty) $(empty)
export PYTHONPATH := .:libs/kit:libs/quant:$(subst $(space),:,$(addprefix services/,$(SERVICES)))
LOCK := $(PYTHON) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header

.DEFAULT_GOAL := help
.PHONY: help venv web demo up release rollback down status logs clean test test-containers chaos seeds check sbom audit bench contracts fmt lock

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv:
	@tools/bootstrap.sh

web: venv
	@$(PYTHON) -m tools.web build

demo: export EXODUS_OUTSIDE = 1
demo: up ## start everything and play the story through the gateway; DATA=path loads your own prices
	@DATA="$(DATA)" $(PYTHON) -m tools.demo

up: venv web ## start everything; returns when it is ready and prints the addresses
	@$(STACK) up

release: venv web ## put this version of the services in the place of the running one; ANYWAY=1 while a market is open
	@$(STACK) release $(if $(ANYWAY),--anyway)

rollback: venv ## put the version before the last release back
	@$(STACK) rollback $(if $(ANYWAY),--anyway)

down: venv ## stop everything; the state stays
	@$(STACK) down

status: venv ## one line per process
	@$(STACK) status

logs: venv ## follow the logs
	@$(STACK) logs

clean: venv ## stop everything and remove its state, secrets included
	@$(STACK) clean
	@$(STACK) test-servers down

# Which share the two cores how: tools/whole_suite.py.
test: venv ## everything the tests need, then all tests
ifdef TESTS
	@$(PYTHON) -m pytest $(PYTEST) $(TESTS)
else
	@$(PYTHON) -m tools.whole_suite
endif

test-containers: venv ## build and start the containers, play the story through them, remove them; needs docker or podman
	@$(PYTHON) -m pytest tests/containers

chaos: venv ## cut and slow edges, full disks and KILLS=100 killed processes, on a platform of its own: every case
	@EXODUS_CHAOS=all EXODUS_KILLS=$(or $(KILLS),100) EXODUS_KILLS_SEED=$(or $(SEED),1) $(PYTHON) -m pytest -s tests/integration/faults libs/kit/tests/test_backlog.py

seeds: venv ## play seeded faults on every broker's line: SEEDS for each broker, 2,500 unless said otherwise
	@EXODUS_FAULT_RUNS=$(or $(SEEDS),2500) $(PYTHON) -m pytest -s services/broker/tests/conformance/test_seeded_faults.py

check: venv ## format, lint, types, architecture rules, secrets, contracts
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy libs services tools gateway benchmarks
	.venv/bin/lint-imports
	$(PYTHON) -m tools.tidy
	$(PYTHON) -m tools.supply.leaks
	$(PYTHON) -m tools.contracts --check
	$(PYTHON) -m tools.conformance --check
	$(PYTHON) -m tools.dashboards --check
	$(PYTHON) -m tools.requirements --check
	$(PYTHON) -m tools.web check

sbom: venv ## a bill of materials for the images and one for the web client (CycloneDX), in sbom/
	@$(PYTHON) -m tools.supply.sbom

audit: venv ## ask what is known against every locked package; status 3 when nobody could be asked
	@$(PYTHON) -m tools.supply.advisories

bench: venv ## measure; writes benchmarks/results/latest.json; BENCH=token_check measures one
	@$(PYTHON) -m benchmarks $(BENCH)

contracts: venv ## write contracts/ anew from the services
	@$(PYTHON) -m tools.contracts

fmt: venv ## format and fix what can be fixed
	@$(PYTHON) -m ruff format .
	@$(PYTHON) -m ruff check --fix --quiet .

lock: venv ## resolve requirements.in and requirements-dev.in anew
	@$(PYTHON) -m pip install --quiet uv
	@$(LOCK) requirements.in --output-file requirements.lock
	@$(LOCK) requirements-dev.in --output-file requirements-dev.lock
