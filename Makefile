# Chatter's daily commands; `make help` lists them. They need Python 3.11 or newer and nothing else
# installed by hand: everything goes into $(VENV).

VENV ?= .venv
ARGS ?=
# Tried in this order; `make run PYTHON=/path/to/python` decides otherwise.
PYTHON ?= python3.13 python3.12 python3.11 python3 python

BIN = $(VENV)/bin
NEW_ENOUGH = import sys; sys.exit(sys.version_info < (3, 11))

# One resolution for every supported Python and platform: plain pip picks what applies to it.
LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --annotation-style line --custom-compile-command 'make lock'

# What `manage.py check --deploy` looks at, and what keeps the other checks away from your data.
CHECK = DEBUG=false CHATTER_SECRET_KEY=no-secret-only-what-make-check-gives-to-the-settings-0123456789
EMBEDDED = $(CHECK) DATABASE_URL=sqlite://:memory: REDIS_URL=
PRODUCTION = $(CHECK) DATABASE_URL=postgres://chatter@127.0.0.1/chatter REDIS_URL=redis://127.0.0.1/0 \
	HTTPS=true ALLOWED_HOSTS=chatter.example CSRF_TRUSTED_ORIGINS=https://chatter.example

.PHONY: help run cluster test check bench drills soak format lock clean environment runtime development

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

run: runtime ## serve Chatter on http://127.0.0.1:8000 (PORT=… to change); Ctrl-C ends it
	@$(BIN)/python manage.py prepare
	@exec $(BIN)/python manage.py serve

cluster: development ## the production profile on this machine: 2 servers, 2 workers, a proxy; Ctrl-C ends it
	@exec $(BIN)/python -m deploy.cluster

test: development ## run the tests on SQLite, without services (ARGS="tests/core -x" for pytest)
	$(BIN)/python -m pytest -n auto --max-worker-restart 0 --dist loadfile --no-loadscope-reorder $(ARGS)

check: development ## format, lint, types, import contracts, deploy check, API schema, migrations, image
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m ruff check .
	@echo mypy
	@$(EMBEDDED) $(BIN)/python -m mypy
	$(BIN)/lint-imports --no-logo
	@echo 'manage.py check --deploy, with production settings'
	@$(PRODUCTION) $(BIN)/python manage.py check --deploy --fail-level WARNING
	@echo 'manage.py spectacular --validate'
	@$(EMBEDDED) $(BIN)/python manage.py spectacular --validate --fail-on-warn --file /dev/null
	@echo 'manage.py makemigrations --check'
	@$(EMBEDDED) $(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/hadolint Dockerfile
	@echo compose.yaml
	@$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec compose.yaml

bench: development ## measure, and write docs/benchmarks.md
	$(BIN)/python -m bench $(ARGS)

drills: development ## break things under load, and write docs/drills.md (half an hour)
	$(BIN)/python -m drills $(ARGS)

soak: development ## half an hour of steady load, then prune; writes docs/soak.md (ARGS="--minutes 3")
	$(BIN)/python -m soak $(ARGS)

format: development ## format the code and mend what ruff can mend
	$(BIN)/python -m ruff check --fix-only .
	$(BIN)/python -m ruff format .

lock: development ## resolve requirements*.in into requirements*.txt (ARGS=--upgrade for newer versions)
	$(LOCK) $(ARGS) requirements.in -o requirements.txt
	$(LOCK) $(ARGS) -c requirements.txt requirements-dev.in -o requirements-dev.txt

clean: ## remove caches; neither your data nor the environment
	rm -rf .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +

# --- the environment -------------------------------------------------------------------------------

# Make $(VENV), unless a working one is there. Only what is an environment already is ever cleared.
environment:
	@"$(BIN)/python" -c 'import pip; $(NEW_ENOUGH)' 2>/dev/null && exit 0; \
	bare=; \
	for python in $(PYTHON) none; do \
	    "$$python" -c '$(NEW_ENOUGH)' 2>/dev/null || continue; \
	    "$$python" -c 'import ensurepip, venv' 2>/dev/null && break; \
	    bare=$$python; \
	done; \
	if [ "$$python" = none ] && [ -n "$$bare" ]; then \
	    echo "$$bare comes without its venv module." >&2; \
	    echo 'On Debian and Ubuntu: apt install python3-venv' >&2; \
	    exit 1; \
	elif [ "$$python" = none ]; then \
	    echo 'Chatter needs Python 3.11 or newer. None of these is:' >&2; \
	    for python in $(PYTHON); do \
	        echo "  $$python: $$("$$python" --version 2>/dev/null || echo 'not found')" >&2; \
	    done; \
	    echo 'Install it, or say where it is: make run PYTHON=/path/to/python3' >&2; \
	    exit 1; \
	fi; \
	if [ -f "$(VENV)/pyvenv.cfg" ]; then clear=--clear; else clear=; fi; \
	echo "Creating $(VENV) with $$("$$python" --version)"; \
	"$$python" -m venv $$clear "$(VENV)"

# Install what a requirements file pins, unless exactly this file was installed last: a copy of it
# in $(VENV) tells. pip refuses whatever does not have the hash written there.
define install
@cmp -s $(1) "$(VENV)/$(1)" || { \
    echo 'Installing $(1) into $(VENV); the first time this takes a minute or two'; \
    $(BIN)/python -m pip install -qq --disable-pip-version-check --no-input \
        --require-hashes -r $(1) && cp $(1) "$(VENV)/$(1)"; \
}
endef

runtime: environment
	$(call install,requirements.txt)

development: environment
	$(call install,requirements-dev.txt)
