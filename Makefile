# make run   : set everything up and start the product at http://127.0.0.1:8000
# make demo-slack : the product in a simulated Slack at http://127.0.0.1:8090
# make test  : set everything up and run the tests
# make bench : measure the copilot on the benchmark and open the report
# make check : format, lint, types, import contracts, tests (what CI runs)

VENV    ?= .venv
PYTHON  ?= python3
BIN     := $(VENV)/bin
PORT    ?= 8000
# Where the CPU build of torch is not what pip finds by itself, see README "Installing torch".
PIP_ARGS ?=
# Where `make bench` keeps its run.
BENCH   := runs/bench-$(shell date +%Y%m%d-%H%M%S)
# What set-up makes its things from.
# Folders too: they change when a file goes.
LEARNED_FROM := $(shell find knowledge/articles knowledge/utterances policies/actions) \
	$(shell find knowledge/bundled -name '*.npz') \
	$(wildcard copilot/understanding/*.* knowledge/export.py integrations/sandbox/company.yaml)

SLACK_PORT ?= 8090

.PHONY: run demo-slack install test servers fmt lint types imports check bench speed soak vectors adapter clean

run: $(VENV)/setup.stamp
	$(BIN)/copilot serve --port $(PORT)

demo-slack: $(VENV)/setup.stamp
	$(BIN)/copilot slack demo --port $(SLACK_PORT)

install: $(VENV)/dev.stamp

$(VENV)/bin/python:
	@echo "[1/3] creating the virtual environment in $(VENV)"
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "[2/3] installing pinned dependencies (about 2 GB, some minutes)"
	$(BIN)/pip install --quiet --disable-pip-version-check $(PIP_ARGS) -c constraints.txt -e .
	@touch $@

# Only what changed is made again: seconds when an article was reworded, two minutes of training when
# titles, utterances, actions or the training itself changed. `copilot serve` then takes it into its home.
$(VENV)/setup.stamp: $(VENV)/run.stamp $(LEARNED_FROM)
	@echo "[3/3] exporting the embedding model and training the classifiers (only what changed)"
	$(BIN)/copilot setup
	@touch $@

$(VENV)/dev.stamp: pyproject.toml constraints.txt $(VENV)/setup.stamp
	$(BIN)/pip install --quiet --disable-pip-version-check $(PIP_ARGS) -c constraints.txt -e '.[dev,postgres]'
	@touch $@

servers:
	@sh scripts/servers.sh
	@sh scripts/slack_emulator.sh

test: $(VENV)/dev.stamp servers
	$(BIN)/pytest -q -n 2 -m "not soak"

fmt: $(VENV)/dev.stamp
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: $(VENV)/dev.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/dev.stamp
	$(BIN)/mypy

imports: $(VENV)/dev.stamp
	$(BIN)/lint-imports

check: lint types imports test

# The whole suite, this copilot and the six calibrating systems, and the report. Stopped half way it goes on with
# `evals run --resume FOLDER`, as it says itself.
bench: $(VENV)/setup.stamp
	$(BIN)/evals run --system copilot --system calibrating --out $(BENCH)
	$(BIN)/evals report $(BENCH) --open

# Processor time and memory beside what others take.
speed: $(VENV)/dev.stamp
	$(BIN)/python -m benchmarks

# Before the set-up where that was done once: it trains from the vectors.
vectors: $(VENV)/run.stamp
	@test -e $(VENV)/setup.stamp || $(MAKE) $(VENV)/setup.stamp
	$(BIN)/python -m integrations.bundling

adapter: $(VENV)/run.stamp
	@test -e $(VENV)/setup.stamp || $(MAKE) $(VENV)/setup.stamp
	$(BIN)/python -m integrations.bundling --adapter

soak: $(VENV)/dev.stamp servers
	$(BIN)/pytest -q -m soak

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
