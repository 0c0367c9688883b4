# `make demo` and `make test` do all their own set-up in .venv; nothing else is touched.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test check format venv bench clean lock help

help:
	@echo "make demo    the main job on an embedded Kafka and a PagerDuty simulator (KEEP=1 stays up)"
	@echo "make test    all tests (real Kafka included where Java 17 and Maven are found)"
	@echo "make check   format, lint and types"
	@echo "make bench   throughput and latency beside a hand-written loop, on real Kafka"
	@echo "make clean   remove what the others made"

venv: $(VENV)/.made

$(VENV)/.made: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Pagerline needs Python 3.11 or newer; this is " + sys.version.split()[0] + " (make PYTHON=python3.12 ...)")'
	@echo "Setting up $(VENV) (once, about a minute)" >&2
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: venv
	@$(BIN)/pagerline sandbox demo $(if $(KEEP),--keep)

test: venv
	@$(BIN)/python -m pytest $(ARGS)

check: venv
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

format: venv
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: venv
	@$(BIN)/python -m bench $(ARGS)

# The lock is for all supported Pythons and platforms; uv resolves it (pip cannot).
lock:
	@$(PYTHON) -m pip install --quiet --target .lock-tool uv
	@PYTHONPATH=.lock-tool $(PYTHON) -m uv pip compile pyproject.toml --extra sandbox --group dev --group build --universal \
		--python-version 3.11 --generate-hashes --no-header --no-emit-index-url --quiet --output-file requirements.lock
	@rm -rf .lock-tool

clean:
	rm -rf $(VENV) .sandbox .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build
