# Two commands for a newcomer: `make run` and `make test`. Both make what they need in .venv first.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run demo test bench soak crash hostile fuzz clean

run: $(VENV)/runs
	$(BIN)/signet run --config config.example.toml --trial

demo: $(VENV)/runs
	$(BIN)/signet demo

test: $(VENV)/tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest

# Look for inputs that break a promise, SECONDS for each target; see tests/fuzz.
fuzz: $(VENV)/tests
	$(BIN)/python -m tests.fuzz --seconds $(or $(SECONDS),60)

bench: $(VENV)/tests
	$(BIN)/python -m tests.bench

soak: $(VENV)/tests
	$(BIN)/python -m tests.sim soak --seeds $(or $(SEEDS),2000)

crash: $(VENV)/tests
	$(BIN)/python -m tests.crash --runs $(or $(RUNS),24)

hostile: $(VENV)/tests
	$(BIN)/python -m tests.hostile --seconds $(or $(SECONDS),5)

clean:
	rm -rf $(VENV) var build *.egg-info .*_cache .hypothesis

$(VENV)/runs: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable .
	touch $@

$(VENV)/tests: $(VENV)/runs
	$(BIN)/pip install --quiet --editable '.[test]'
	touch $@
