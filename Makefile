# `make` lists what there is. Nothing here needs root; as root, missing Debian packages are installed.
PYTHON ?= python3
PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin
PG15 := /usr/lib/postgresql/15/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
WORKERS ?= 2
# Where a database and a browser are quickest: in memory, when there is plenty.
MEMORY := $(shell [ -w /dev/shm ] && [ "$$(df --output=avail -BM /dev/shm | tail -1 | tr -dc 0-9)" -gt 6000 ] && echo /dev/shm || echo "$${TMPDIR:-/tmp}")
export PORT
# Every process of the tests would compile every module for itself.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup dev fast demo demo-reset test lint check bench faults test-pg15 install-pg15 capabilities messages lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.base ## make .venv with everything that runs in production, and .venv/bin/yimen
	@:

dev: $(VENV)/.dev

fast: $(VENV)/.fast ## compile the simulation kernel with numba (optional, 250 MB): waiting forecasts by simulation
	@:

demo: setup ## serve the platform with demo data on http://127.0.0.1:8000 (PORT=8001 changes it)
	@exec $(BIN)/yimen demo

demo-reset: setup ## delete the demo's data and start it afresh
	@exec $(BIN)/yimen demo --reset

test: dev ## run the whole suite
	$(BIN)/pytest -n $(WORKERS) --dist worksteal

lint: dev ## format, lint, types, import directions
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint ## the same, and the fast tests: what every commit passes
	$(BIN)/pytest -n $(WORKERS) --dist worksteal -q -m "not slow"

bench: setup $(VENV)/.fast ## measure tickets, calls and case lifecycles a second, beside the same SQL sent raw
	$(BIN)/python -m yimen.bench

faults: dev ## break processes, database and network under load; count what is lost (FAULTS="--short REL-1" for a part)
	$(BIN)/python -m yimen.faults $(FAULTS)

# After `make test` has noted which test sends which statements, the tests suffice that send each of them once. They run
# on a server from outside; the faults beside them on one of the platform's own.
test-pg15: dev ## what may differ on Debian's PostgreSQL 15, given from outside, and faults on our own
	@if [ ! -x $(PG15)/postgres ]; then \
		if [ "$$CI" = true ]; then echo "PostgreSQL 15 is missing." >&2; exit 1; fi; \
		echo "Skipped: PostgreSQL 15 is not installed (make install-pg15, as root)."; \
	else set -e; export TMPDIR=$(MEMORY); \
		YIMEN_PG_BIN=$(PG15) $(BIN)/python -m yimen.faults --short REL-2 & faults=$$!; \
		$(BIN)/python -m yimen.lib.embedded --bin $(PG15) -- \
			$(BIN)/pytest -n $(WORKERS) --dist worksteal -q --another-server; \
		wait $$faults; \
	fi

install-pg15: ## install Debian's PostgreSQL 15 programs (as root); its own server is not started
	@[ -x $(PG15)/postgres ] || { mkdir -p /etc/postgresql-common/createcluster.d && \
		echo "create_main_cluster = false" > /etc/postgresql-common/createcluster.d/yimen.conf && \
		apt-get update -q && apt-get install -qy --no-install-recommends postgresql-15; }

capabilities: dev ## list the rows of the acceptance list that tests prove, and whether they pass
	$(BIN)/pytest -n $(WORKERS) --dist worksteal -q -m capability --capabilities

messages: dev ## collect the texts to translate into src/yimen/locale (needs Debian's gettext)
	@command -v xgettext >/dev/null && command -v msgmerge >/dev/null || \
		{ echo "缺少 gettext：请管理员运行 apt-get install gettext。gettext is missing." >&2; exit 1; }
	@cd src/yimen && DJANGO_SETTINGS_MODULE=yimen.settings $(CURDIR)/$(BIN)/python -m django makemessages \
		--locale en --locale zh_Hant --no-location --no-obsolete --no-wrap --ignore tests
	@sed -i '/^"POT-Creation-Date:/d' src/yimen/locale/*/LC_MESSAGES/django.po
	@$(BIN)/python -m yimen.lib.messages

lock: ## compile requirements/*.in into *.txt, with hashes and without registry addresses
	$(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install --quiet pip-tools
	for name in base fast dev; do build/lock/bin/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras \
		--no-header --no-annotate --no-emit-options \
		--output-file requirements/$$name.txt requirements/$$name.in; done

clean: ## delete .venv and caches; data in .yimen stays
	rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .yimen/test-cache

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "需要 Python 3.11 或更新的版本（PYTHON=python3.12 make … 可以指定）。Python 3.11 or newer is needed." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			apt-get update -q && apt-get install -qy --no-install-recommends python3-venv; \
		else echo "缺少 python3-venv：请管理员运行 apt-get install python3-venv。python3-venv is missing." >&2; exit 1; fi
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.base: $(VENV)/.python requirements/base.txt pyproject.toml
	@echo "正在安装依赖，第一次需要一两分钟… Installing, the first time takes a minute or two."
	@$(PIP) --require-hashes -r requirements/base.txt
	@$(PIP) --no-deps --no-build-isolation -e .
	@$(BIN)/python -m yimen.lib.messages
	@$(BIN)/python -m compileall -q src
	@touch $@

$(VENV)/.fast: $(VENV)/.base requirements/fast.txt
	@$(PIP) --require-hashes -r requirements/fast.txt
	@touch $@

$(VENV)/.dev: $(VENV)/.base requirements/dev.txt
	@$(PIP) --require-hashes -r requirements/dev.txt
	@touch $@
