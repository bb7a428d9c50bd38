# `make` alone lists the targets. Everything runs in .venv, installed from requirements.lock.
SHELL := bash
PYTHON ?= python3
PORT ?= 8001
SERVE ?= 1
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check --constraint requirements.lock
WORKERS ?= 3
# workers for tests that mostly wait for what they started
WAITING ?= 4
# Three workers and a thousand processes would each compile every module for themselves.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: chaos help install dev demo demo-vault site publish serve install-units uninstall-units test long browser oldest next check format docs bench lock clean

help: ## List all targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/.installed ## Create .venv and install the program into it
dev: $(VENV)/.dev ## Install what tests, checks and benchmarks need as well

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml requirements.lock | $(VENV)/bin/python
	$(INSTALL) --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.installed
	$(INSTALL) --editable '.[dev]'
	@touch $@

demo: install ## Build the whole site from a local replica of the archive and serve it (PORT=8001, SERVE=1)
	@$(BIN)/python -m etl.replica.demo --port $(or $(PORT),8001) $(if $(filter 0,$(SERVE)),--no-serve)

demo-vault: install ## Capture a recorded session of Coinbase, refine it and show it in a small site (PORT=8001, SERVE=1)
	@$(INSTALL) --editable '.[vault]'
	@$(BIN)/python -m etl.replay.demo --port $(or $(PORT),8001) $(if $(filter 0,$(SERVE)),--no-serve)

site: install ## Build the site from the live archive: discover, backfill, update, export
	@worst=0; for step in discover backfill update export; do \
		$(BIN)/availability $$step || worst=$$?; \
	done; exit $$worst  # one symbol that fails does not hold up the others; the exit code still tells

publish: install ## Build, check and publish the site (TARGET=folder, user@host:/folder or s3://bucket/prefix; URL=...)
	@$(BIN)/availability publish $(if $(TARGET),--target '$(TARGET)') $(if $(URL),--url '$(URL)')

serve: install ## Serve the site built last (PORT=8001)
	@$(BIN)/availability serve --port $(or $(PORT),8001)

install-units: ## Install the systemd units of this checkout: says what it would do, CONFIRM=1 does it (DESTDIR=, PREFIX=, VAULT=1)
	@CONFIRM='$(CONFIRM)' DESTDIR='$(DESTDIR)' VAULT='$(VAULT)' PREFIX='$(or $(PREFIX),$(CURDIR))' bash systemd/units.sh install

uninstall-units: ## Take the systemd units away again: says what it would do, CONFIRM=1 does it; data stay
	@CONFIRM='$(CONFIRM)' DESTDIR='$(DESTDIR)' bash systemd/units.sh uninstall

test: dev ## Run the tests, offline, in a minute or two
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal -m "not browser and not long"

long: dev ## Run the tests that take longer: publishing, kills, other S3 servers, made-up questions
	$(BIN)/python -m pytest --numprocesses $(WAITING) --dist worksteal -m long

browser: dev ## Look at every page in a real browser (Debian's chromium); pictures go to build/screenshots
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal -m browser

oldest: dev ## Run the tests that touch DuckDB on the oldest version that pyproject.toml allows
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --upgrade --target $(VENV)/oldest \
		"$$(sed -n 's/.*"\(duckdb\)>=\([0-9.]*\).*/\1==\2/p' pyproject.toml | head -n 1)"
	PYTHONPATH=$(VENV)/oldest $(BIN)/python -c 'import duckdb; print("DuckDB", duckdb.__version__)'
	PYTHONPATH=$(VENV)/oldest $(BIN)/python -m pytest --numprocesses $(WORKERS) \
		tests/test_{recording,views,conditions,checks,pipeline,probe}.py

next: dev ## Try the site on Datasette's newest alpha: says what breaks, fails where SQL is open or may be
	test -d $(VENV)/next || $(PYTHON) -m venv $(VENV)/next
	@$(VENV)/next/bin/pip install --quiet --disable-pip-version-check --pre --upgrade "datasette>=1.0a1" datasette-vega \
		cachetools prometheus-client || { echo "Not blocking: the index has no alpha of Datasette."; exit 0; }; \
	$(BIN)/python -m tests.next_datasette $(VENV)/next/bin/python

check: dev ## Lint, type-check, and compare the generated docs with the code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python docs/generate.py --check

format: dev ## Format the code and renew the generated docs
	$(BIN)/ruff check --fix --quiet . || true
	$(BIN)/ruff format --quiet .
	$(BIN)/python docs/generate.py

bench: dev ## Measure at full size, side by side with other tools; renews docs/benchmarks.md
	$(BIN)/python -m tests.bench

lock: dev ## Renew requirements.lock to the newest versions that pyproject.toml allows
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --upgrade --all-extras --no-header --no-annotate --output-file requirements.lock pyproject.toml

chaos: dev ## Let every fault strike the nightly run, 200 kills included (half an hour), and write docs/reliability.md
	$(BIN)/python -m tests.chaos

clean: ## Remove the virtual environment and everything built
	rm -rf $(VENV) build site warehouse.duckdb warehouse.duckdb.wal .warehouse.duckdb.*
