# Every target sets up what it needs, on a machine that has Python >= 3.11, git and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Tests and the demo keep their weights in the checkout, so that nothing of the user's is touched.
export FACELOOM_HOME ?= $(CURDIR)/build/home

.PHONY: demo test check bench models clean

demo: models
	$(BIN)/faceloom demo -o build/demo

test: models
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2

check: $(VENV)/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: models
	$(BIN)/python -m bench

models: $(VENV)/dev
	$(BIN)/faceloom models pull --all

$(VENV)/dev: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

clean:
	rm -rf build dist $(VENV)
