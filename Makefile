# Two commands for a newcomer: `make run` and `make test`. Both make what they need in .venv first.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run demo test bench clean

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

bench: $(VENV)/tests
	$(BIN)/python -m tests.bench

clean:
	rm -rf $(VENV) var build *.egg-info .*_cache .hypothesis

$(VENV)/runs: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable .
	touch $@

$(VENV)/tests: $(VENV)/runs
	$(BIN)/pip install --quiet --editable '.[test]'
	touch $@
