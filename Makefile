# Needs Python 3.11 or later, make and a package registry. The path of the clone may contain spaces, so all paths here are
# relative, and programs of the virtual environment run as modules, since scripts name their interpreter by its full path.

PYTHON ?= python3
# Tried only if no Python was named.
OTHERS = $(if $(filter file,$(origin PYTHON)),python3.14 python3.13 python3.12 python3.11)
PIP = .venv/bin/python -m pip --disable-pip-version-check --quiet --no-input
# For all Python versions and platforms at once, and independent of this machine's configuration.
COMPILE = .venv/bin/python -m uv pip compile --no-config --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links \
	--custom-compile-command "make requirements" $(UPGRADE:%=--upgrade-package %)
# Each process gets a contiguous share of the tests, so that a module's rows are created once; a process that finishes
# first takes tests from the others.
PARALLEL = --numprocesses auto --dist worksteal
# Settings of a deployment, so that `check --deploy` does not check those of a laptop.
PRODUCTION = IMAGELIB_ENV_FILE=/dev/null SECRET_KEY="$$(.venv/bin/python -c 'import secrets; print(secrets.token_urlsafe(50))')" \
	ALLOWED_HOSTS=pictures.example.org DATABASE_URL=postgresql://imagelib@127.0.0.1/imagelib \
	BEHIND_PROXY=1 TRUSTED_PROXIES=127.0.0.1 MONTHLY_BUDGET=100 DECODE_MEMORY_BYTES=536870912 REDIS_URL=redis://127.0.0.1/0 RECOGNIZER=rekognition AWS_STORAGE_BUCKET_NAME=pictures AWS_REGION=eu-west-1

# The advisories that `make check` compares the pinned versions with, offline (docs/operations.md).
ADVISORIES = $(wildcard var/advisories.zip)

.PHONY: help setup run demo test check format coverage bench docs screenshots requirements openapi

help: ## show this help
	@sed -n 's/^\([a-z]*\):.*## /make \1	/p' Makefile

setup: .venv/models ## create .venv and install what imagelib needs
	@echo "Ready: make run, or .venv/bin/python manage.py …"

run: .venv/models ## run imagelib on this machine until Ctrl-C; PORT=8001 for another port
	@exec .venv/bin/python manage.py run

demo: .venv/installed-dev ## run imagelib with sample photos imported
	@exec .venv/bin/python manage.py run --samples

test: .venv/installed-dev .venv/models ## run all tests; browser tests need Chromium, those with axe-core npm
	@.venv/bin/python -m pytest $(PARALLEL) -m "not chaos"
	@.venv/bin/python -m pytest --numprocesses 4 tests/chaos # more than the cores, as they mostly wait

check: .venv/installed-dev ## check style, advisories, types, layers, migrations, infrastructure, deployment, templates
	.venv/bin/python -m ruff check .
	.venv/bin/python -m ruff format --check .
	.venv/bin/python -m bandit --quiet --configfile pyproject.toml --recursive manage.py imagelib analysis
	.venv/bin/python -m tests.advisories $(ADVISORIES)
	.venv/bin/python -m mypy manage.py imagelib analysis
	.venv/bin/lint-imports
	.venv/bin/python manage.py makemigrations --check --dry-run
	.venv/bin/cfn-lint infra/*.yaml
	.venv/bin/hadolint Dockerfile
	.venv/bin/check-jsonschema --builtin-schema vendor.compose-spec compose.yaml
	$(PRODUCTION) .venv/bin/python manage.py check --deploy --fail-level WARNING
	.venv/bin/python -m djlint --lint --check --quiet templates

format: .venv/installed-dev ## format Python and templates as `make check` requires
	.venv/bin/python -m ruff check --fix-only --quiet .
	.venv/bin/python -m ruff format .
	.venv/bin/python -m djlint --reformat --quiet templates

coverage: .venv/installed-dev .venv/models ## run all tests except tests/chaos, and list the lines that no test runs
	@.venv/bin/python -m pytest $(PARALLEL) -m "not chaos" --cov --cov-report=term:skip-covered --cov-report=html

bench: .venv/installed-dev ## run the benchmarks, each compared with a baseline
	@.venv/bin/python bench/run.py

docs: .venv/installed-dev ## build the documentation site in var/site; SERVE=1 serves it and follows changes
	@NO_MKDOCS_2_WARNING=1 .venv/bin/python -m mkdocs $(if $(SERVE),serve --dev-addr 127.0.0.1:8010,build)

screenshots: .venv/installed-dev ## update the screenshots of README and docs; needs Chromium
	@.venv/bin/python bench/screenshot.py

requirements: .venv/installed-dev ## compile requirements*.txt from requirements*.in; to upgrade packages: UPGRADE="boto3 ruff"
	@$(COMPILE) requirements.in -o requirements.txt
	@$(COMPILE) requirements-dev.in --constraints requirements.txt -o requirements-dev.txt

openapi: .venv/installed-dev ## write docs/openapi.json after a change of the API
	@.venv/bin/python manage.py export_openapi_schema --api analysis.api.app.api --indent 1 --output docs/openapi.json

.venv/installed: requirements.txt .venv/made
	@echo "Installing the requirements; this takes a minute or two the first time."
	@$(PIP) install -r requirements.txt
	@touch $@

.venv/installed-dev: requirements-dev.txt .venv/installed
	@echo "Installing the requirements of the demo, the tests and the checks."
	@$(PIP) install -r requirements-dev.txt
	@touch $@

# Only once: if npm is missing, a message says so, and later starts do not try again.
.venv/models: .venv/installed
	@.venv/bin/python manage.py prepare_models
	@touch $@

# A name on the PATH proves nothing, since a version manager's shim may only print an error. So each Python is tried,
# tested versions before newer ones. A Python that was named is used or rejected, never replaced.
.venv/made:
	@suits() { "$$1" -c "import sys, ensurepip, venv; sys.exit(not ((3, 11) <= sys.version_info < $$2))" 2>/dev/null; }; \
	chosen=; \
	for limit in "(3, 15)" "(4,)"; do \
		for python in "$(PYTHON)" $(OTHERS); do \
			if [ -z "$$chosen" ] && suits "$$python" "$$limit"; then chosen=$$python; fi; \
		done; \
	done; \
	if [ -z "$$chosen" ]; then \
		version=$$("$(PYTHON)" --version 2>/dev/null) || version="not there"; \
		echo "imagelib needs Python 3.11 or later with its venv module, but $(PYTHON) is $$version:" \
			"install one, or name one with make setup PYTHON=/path/to/python." >&2; \
		exit 1; \
	fi; \
	echo "Making .venv with $$("$$chosen" --version)."; \
	"$$chosen" -m venv .venv
	@touch $@
