# Needs Python 3.11 or later, make and a package registry. The path of the clone may hold spaces, so every path here is
# relative, and programs of the virtual environment are run as modules: scripts name their interpreter by full path.

PYTHON ?= python3
PIP = .venv/bin/python -m pip --disable-pip-version-check --quiet --no-input
# What a deployment would set, so that `check --deploy` judges what is served there and not a laptop's settings.
PRODUCTION = IMAGELIB_ENV_FILE=/dev/null SECRET_KEY="$$(.venv/bin/python -c 'import secrets; print(secrets.token_urlsafe(50))')" \
	ALLOWED_HOSTS=pictures.example.org DATABASE_URL=postgresql://imagelib@127.0.0.1/imagelib \
	BEHIND_PROXY=1 TRUSTED_PROXIES=127.0.0.1 REDIS_URL=redis://127.0.0.1/0 RECOGNIZER=rekognition AWS_STORAGE_BUCKET_NAME=pictures AWS_REGION=eu-west-1

.PHONY: help setup run demo test check bench

help: ## what there is to make
	@sed -n 's/^\([a-z]*\):.*## /make \1	/p' Makefile

setup: .venv/installed ## the virtual environment, .venv, with what imagelib runs on
	@echo "Ready: make run, or .venv/bin/python manage.py …"

run: .venv/installed ## imagelib on this machine, until Ctrl-C; PORT=8001 for another port
	@exec .venv/bin/python manage.py run

demo: .venv/installed-dev ## the same, with sample photographs brought in
	@exec .venv/bin/python manage.py run --samples

test: .venv/installed-dev ## every test; those in a browser where there is Chromium
	@.venv/bin/python -m pytest --numprocesses auto -m "not chaos"
	@.venv/bin/python -m pytest --numprocesses 4 tests/chaos # they mostly wait

check: .venv/installed-dev ## style, types, layers, migrations, infrastructure, deployment, templates
	.venv/bin/python -m ruff check .
	.venv/bin/python -m ruff format --check .
	.venv/bin/python -m mypy manage.py imagelib analysis
	.venv/bin/lint-imports
	.venv/bin/python manage.py makemigrations --check --dry-run
	.venv/bin/cfn-lint infra/cloudformation.yaml
	$(PRODUCTION) .venv/bin/python manage.py check --deploy --fail-level WARNING
	.venv/bin/python -m djlint --lint --check --quiet templates

bench: .venv/installed-dev ## measurements, with a rival's figure beside ours
	@.venv/bin/python bench/run.py

.venv/installed: requirements.txt .venv/made
	@echo "Installing what imagelib runs on; the first time this takes a minute or two."
	@$(PIP) install -r requirements.txt
	@touch $@

.venv/installed-dev: requirements-dev.txt .venv/installed
	@echo "Installing what the demo, the tests and the checks need."
	@$(PIP) install -r requirements-dev.txt
	@touch $@

# The first Python that is recent enough. Redis comes along for 3.11 and 3.12, so these go first where no server is.
.venv/made:
	@chosen=; \
	recent() { "$$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }; \
	bundled() { "$$1" -c 'import sys; sys.exit(sys.version_info >= (3, 13))' 2>/dev/null; }; \
	redis() { command -v redis-server || command -v valkey-server; } >/dev/null; \
	for python in "$(PYTHON)" python3.12 python3.11; do \
		if recent "$$python" && { redis || bundled "$$python"; }; then chosen=$$python; break; fi; \
	done; \
	for python in "$(PYTHON)" python3.14 python3.13 python3.12 python3.11; do \
		if [ -z "$$chosen" ] && recent "$$python"; then chosen=$$python; fi; \
	done; \
	if [ -z "$$chosen" ]; then \
		echo "imagelib needs Python 3.11 or later, and $(PYTHON) is not. Name one: make setup PYTHON=/path/to/python" >&2; \
		exit 1; \
	fi; \
	echo "Making .venv with $$("$$chosen" --version)."; \
	"$$chosen" -m venv .venv
	@touch $@
