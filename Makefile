# `make run` starts the portal, `make test` tests it; both set up what they need. `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null && echo $$p && break; done)
PYTHONS_FOUND = $(shell for p in $$(compgen -c python3 | grep -xE 'python3(\.[0-9]+)?' | sort -uV); do \
	$$p -c 'import sys; print("'$$p' (%d.%d.%d)" % sys.version_info[:3])' 2>/dev/null || true; done | paste -sd , | sed 's/,/, /g')
BIN := .venv/bin

.PHONY: help setup setup-dev run check test bench drill messages format lock clean

help:
	@echo 'make run     start the portal on this machine, with a demo in it'
	@echo 'make test    all tests, on SQLite and PostgreSQL, with Redis, a worker and a browser'
	@echo 'make check   style, types, layers of imports, migrations, deployment settings'
	@echo 'make bench   how fast it is, as ratios'
	@echo 'make drill   kill workers, mail server and Redis under it, and balance the books (half an hour and more)'
	@echo 'make setup   .venv with the pinned requirements (make setup-dev: those of checks and tests too, some in .venv-maintnote)'
	@echo 'make messages  update and compile the translations in sla_portal/locale'
	@echo 'make format  format the code'
	@echo 'make lock    update the pinned requirements'

setup: .venv/.requirements
	@deploy/system-packages pdf || true

setup-dev: setup .venv/.requirements-dev
	@$(MAKE) .venv-maintnote/.requirements || true

.venv/bin/python:
	@test -n '$(PYTHON)' || { echo 'Python 3.11, 3.12, 3.13 or 3.14 is needed. Found: $(or $(PYTHONS_FOUND),none).' >&2; exit 1; }
	$(PYTHON) -m venv .venv

# The reader wants another icalendar than the portal. `make test` says so where it cannot be had.
.venv-maintnote/bin/python: | .venv/bin/python
	$(BIN)/python -m venv .venv-maintnote

# $(call install,FILE,ENVIRONMENT). uv asks the public registry alone; where pip is told of another, or uv cannot be had,
# pip does it.
define install
	@if $(BIN)/python -m pip install --quiet --require-hashes -r requirements-uv.txt 2>/dev/null && \
		$(BIN)/uv pip install --quiet --python $(2)/bin/python --require-hashes -r $(1) 2>/dev/null; then :; \
	else $(2)/bin/python -m pip install --quiet --require-hashes -r $(1); fi
endef

.venv/.requirements: requirements.txt requirements-uv.txt | .venv/bin/python
	@echo 'Installing requirements.txt'
	$(call install,requirements.txt,.venv)
	@touch $@

.venv/.requirements-dev: requirements-dev.txt .venv/.requirements
	@echo 'Installing requirements-dev.txt'
	$(call install,requirements-dev.txt,.venv)
	@touch $@

.venv-maintnote/.requirements: requirements-maintnote.txt .venv/.requirements | .venv-maintnote/bin/python
	@echo 'Installing requirements-maintnote.txt'
	$(call install,requirements-maintnote.txt,.venv-maintnote)
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
	for name in requirements-uv requirements requirements-dev requirements-maintnote; do \
		$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
			$$name.in --output-file $$name.txt $(LOCK); done

clean:
	rm -rf .venv .venv-maintnote .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
