# The commands of Muara. `make` alone lists them.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore
INSTALL := -m pip install --quiet --quiet --no-input --require-hashes --requirement
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --custom-compile-command "make lock" --upgrade

.PHONY: help run demo test test-all check fmt bench bench-web lock

help:
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' $(MAKEFILE_LIST) | expand -t 12

run: .venv/run ## serve Muara at http://localhost:8000
	@exec $(BIN)/python manage.py serve

demo: .venv/run ## the same with a provider of its own, two mailboxes and a demo user
	@exec $(BIN)/python -m demo

test: .venv/dev ## every test; as root on Debian it installs the real servers they need
	@$(BIN)/python -m tests.servers.packages
	@exec $(BIN)/python -m pytest

test-all: export MUARA_SWEEP := whole
test-all: .venv/dev ## the same, with every sweep in full length
	@$(BIN)/python -m tests.servers.packages
	@MUARA_SWEEP=whole exec $(BIN)/python -m pytest --hypothesis-profile=whole

# The checks read settings but never the user's own: neither .env nor var/.
check: export MUARA_ENV_FILE := /dev/null
check: export MUARA_DATA := $(CURDIR)/.venv/check
check: .venv/dev ## what can be told without running anything: style, types, imports, templates …
	@$(BIN)/ruff check --quiet --output-format concise .
	@$(BIN)/ruff format --quiet --check . || { echo "make fmt lays these files out:"; $(BIN)/ruff format --check .; }
	@$(BIN)/mypy --no-error-summary .
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/djlint --quiet --check --lint templates
	@$(BIN)/python manage.py makemigrations --check --dry-run
	@$(BIN)/python manage.py translations --check
	@MUARA_URL=https://mail.example.org $(BIN)/python manage.py check --deploy --fail-level WARNING
	@$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
	@$(BIN)/hadolint Dockerfile
	@! grep -nE '://|^ *-(i|f)|--(extra-)?index-url|--find-links' locks/*.txt
	@echo "Everything that can be told without running it is in order."

fmt: .venv/dev ## lay out Python and templates the one way
	@$(BIN)/ruff check --quiet --fix . ; $(BIN)/ruff format --quiet .
	@$(BIN)/djlint --quiet --reformat templates

bench: .venv/dev .venv/peers ## measure it beside other programs; ROWS="F1 F3" ROUNDS=3 measure less
	@exec $(BIN)/python -m bench $(ROWS) $(if $(ROUNDS),--rounds $(ROUNDS))

bench-web: .venv/dev ## time pages and searches in 100,000 messages; DB=postgresql has 1,000,000; N, ROWS, ROUNDS
	@exec $(BIN)/python -m bench.web $(ROWS) $(if $(DB),--db $(DB)) $(if $(N),--count $(N)) $(if $(ROUNDS),--rounds $(ROUNDS))

lock: .venv/dev ## choose the newest allowed versions of what pyproject.toml names
	@$(COMPILE) pyproject.toml --output-file locks/run.txt
	@$(COMPILE) pyproject.toml --extra server --constraint locks/run.txt --output-file locks/server.txt
	@$(COMPILE) pyproject.toml --extra server --group dev --constraint locks/server.txt --output-file locks/dev.txt
	@$(COMPILE) --group peers --output-file locks/bench.txt

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Muara needs Python 3.11 or newer, but $(PYTHON) is %d.%d: say make PYTHON=python3.11 (or newer)." % sys.version_info[:2])'
	@$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }

# Empty files that say which lock is installed.
.venv/run: locks/run.txt | .venv/bin/python
	@echo "Installing what Muara needs into .venv ..."
	@$(BIN)/python $(INSTALL) locks/run.txt
	@touch $@

.venv/dev: locks/dev.txt | .venv/bin/python
	@echo "Installing what Muara and its tests need into .venv ..."
	@$(BIN)/python $(INSTALL) locks/dev.txt
	@touch $@ .venv/run

# The programs in Python that Muara is measured beside: where they cannot be had, the table says so.
.venv/peers: locks/bench.txt | .venv/bin/python
	@echo "Installing what Muara is measured beside into .venv/peers ..."
	@$(PYTHON) -m venv --clear .venv/peers
	@.venv/peers/bin/python $(INSTALL) locks/bench.txt || rm -rf .venv/peers/bin
	@touch $@
