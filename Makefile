# `make run` starts the portal, `make test` tests it; both set up what they need. `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin

.PHONY: help setup setup-dev run check test bench drill messages format lock clean

help:
	@echo 'make run     start the portal on this machine, with a demo in it'
	@echo 'make test    all tests, on SQLite and PostgreSQL, with Redis, a worker and a browser'
	@echo 'make check   style, types, the drawing of the house, migrations, deployment settings'
	@echo 'make bench   how fast it is, as ratios'
	@echo 'make drill   kill workers, mail server and Redis under it, and balance the books (half an hour and more)'
	@echo 'make setup   .venv with the pinned requirements (make setup-dev: those of checks and tests too)'
	@echo 'make messages  take new sentences into sla_portal/locale and compile it'
	@echo 'make format  put the code into shape'
	@echo 'make lock    pin requirements*.in anew'

setup: .venv/.requirements
	@deploy/system-packages pdf || true

setup-dev: setup .venv/.requirements-dev

.venv/bin/python:
	@test -n '$(PYTHON)' || { echo 'Python 3.11, 3.12 or 3.13 is needed and was not found.' >&2; exit 1; }
	$(PYTHON) -m venv .venv

# uv asks the public registry alone; where pip is told of another, or uv cannot be had, pip does it.
define install
	@if $(BIN)/python -m pip install --quiet --require-hashes -r requirements-uv.txt 2>/dev/null && \
		$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r $(1) 2>/dev/null; then :; \
	else $(BIN)/python -m pip install --quiet --require-hashes -r $(1); fi
endef

.venv/.requirements: requirements.txt requirements-uv.txt | .venv/bin/python
	@echo 'Installing requirements.txt'
	$(call install,requirements.txt)
	@touch $@

.venv/.requirements-dev: requirements-dev.txt .venv/.requirements
	@echo 'Installing requirements-dev.txt'
	$(call install,requirements-dev.txt)
	@touch $@

run: .venv/.requirements
	@deploy/system-packages pdf
	@exec $(BIN)/python deploy/run.py

check: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run
	var=$$(mktemp -d) && trap 'rm -rf $$var' EXIT && ENV_FILE=/dev/null VAR_DIR=$$var SITE_URL=https://sla.example.com \
		$(BIN)/python manage.py check --deploy --fail-level WARNING
	$(BIN)/python deploy/translations.py

test: setup-dev
	@$(BIN)/python tests/everything.py

bench: setup-dev
	@$(BIN)/python -m tests.bench

drill: setup-dev
	@$(BIN)/python -m tests.drill

messages: setup-dev
	$(BIN)/python deploy/translations.py --write

format: setup-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: setup
	for name in uv requirements requirements-dev; do \
		name=$${name/#uv/requirements-uv}; \
		$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
			$$name.in --output-file $$name.txt $(LOCK); done

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
