# `make help` lists the verbs. Each sets up what it needs; only the first one takes a while.

# Empty: the first python3 that is new enough. A path or a name chooses another one.
PYTHON ?=
IS_NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))

BIN := .venv/bin
CODE := bench hooks tests tools

.DEFAULT_GOAL := help
.PHONY: help demo test test-fast bench lint format reference messages manifest lock bootstrap

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

demo: build/cookiecutter/.ready ## Write the default project into build/demo and run it
	@build/cookiecutter/bin/python tools/demo.py

test: .venv/.ready ## Run all tests; REQUIRE_ALL=1 fails where one would be skipped
	@$(BIN)/python -m pytest -n 3 $(ARGS)

test-fast: .venv/.ready ## Run the tests of generation only: less than a minute
	@$(BIN)/python -m pytest -n 2 tests/render $(ARGS)

bench: .venv/.ready ## Measure a generated project against bare Streamlit
	@$(BIN)/python -m bench

lint: .venv/.ready ## Check the template's own code
	@$(BIN)/ruff check $(CODE)
	@$(BIN)/ruff format --check $(CODE)
	@$(BIN)/mypy

format: .venv/.ready ## Format the template's own code
	@$(BIN)/ruff check --quiet --select I --fix $(CODE)
	@$(BIN)/ruff format --quiet $(CODE)

reference: build/cookiecutter/.ready ## Write a project's .env.example and docs/settings.md
	@build/cookiecutter/bin/python tools/reference.py

messages: .venv/.ready ## Collect the texts of the project and compile their translations
	@$(BIN)/python tools/messages.py

manifest: ## Write the hashes of the chassis into src/chassis/MANIFEST
	@$(or $(PYTHON),python3) tools/manifest.py

lock: ## Lock what pyproject.toml asks for, UPGRADE=1 the newest versions
	@command -v uv >/dev/null || { echo "make lock needs uv: pip install uv" >&2; exit 1; }
	for group in bake oldest test; do \
		uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
			--no-emit-index-url --no-annotate --custom-compile-command "make lock" \
			$(if $(UPGRADE),--upgrade) --group pyproject.toml:$$group \
			--output-file requirements-$$group.txt || exit 1; \
	done

# Debian has Chromium as packages, the second one without windows for the tests of a project; Ubuntu
# has none, so Playwright fetches its own.
SUDO = $$(test "$$(id -u)" = 0 || echo sudo)
APT_INSTALL = $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install --quiet --yes \
	--no-install-recommends
bootstrap: ## Install what the tests need from the system (Debian, Ubuntu)
	@command -v apt-get >/dev/null || { echo "make bootstrap needs apt-get" >&2; exit 1; }
	@$(APT_INSTALL) fonts-noto-cjk git libdeflate-tools make nginx openssl postgresql python3-venv \
		redis-server shellcheck
	@$(APT_INSTALL) chromium chromium-headless-shell || { $(MAKE) .venv/.ready && \
		$(BIN)/python -m playwright install --with-deps chromium; }

# An environment with what one lock file says, done again when that changes. Who waits at a terminal
# sees what is done.
ENVIRONMENT = @set -e; for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11 ""; do \
		"$$python" -c "$(IS_NEW_ENOUGH)" 2>/dev/null && break; \
	done; \
	if [ -z "$$python" ]; then \
		echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3 ..." >&2; exit 1; \
	fi; \
	echo "Installing $< into $(@D) ..."; \
	rm -rf $(@D); \
	if [ -t 1 ]; then quiet=; else quiet=--quiet; fi; \
	if command -v uv >/dev/null; then \
		uv venv --quiet --python "$$python" $(@D); \
		uv pip install $$quiet --python $(@D)/bin/python --no-deps --require-hashes --requirement $<; \
	else \
		"$$python" -m venv $(@D); \
		$(@D)/bin/python -m pip install $$quiet --disable-pip-version-check \
			--no-deps --require-hashes --requirement $<; \
	fi; \
	touch $@

.venv/.ready: requirements-test.txt
	$(ENVIRONMENT)

build/cookiecutter/.ready: requirements-bake.txt
	$(ENVIRONMENT)
