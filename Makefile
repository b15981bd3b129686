# Every target does all its own set-up, in a virtual environment in the checkout (.venv); `make` lists them.
# PYTHON=python3.12 chooses the interpreter that makes the environment.

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
SET_UP := pyproject.toml constraints.txt
PACKAGES := $(patsubst %/pyproject.toml,%,$(wildcard generated/*/pyproject.toml))

.DEFAULT_GOAL := help
.PHONY: help demo test fuzz lint generated docs pins clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.demo ## convert a real notebook, run the pipeline, say where the results are
	@$(BIN)/python notebooks/prepare_data.py
	@$(BIN)/nb2pipe convert notebooks/flight_delays.ipynb --output build/demo
	@$(BIN)/nb2pipe run build/demo/flight_delays --output build/demo/runs

test: lint ## everything that CI runs: lint, the generated packages' tests, the tests with coverage
	@$(BIN)/python notebooks/prepare_data.py
	@set -e; for package in $(PACKAGES); do \
	    echo "tests of $$package"; (cd $$package && $(CURDIR)/$(BIN)/python -m pytest -q); \
	done
	@$(BIN)/python -m pytest -n auto --dist loadfile --cov --cov-report=term

fuzz: $(VENV)/.test ## random notebooks against their pipelines: make fuzz PROGRAMS=2000
	@$(BIN)/python -W ignore -m tests.fuzz $(or $(PROGRAMS),2000)

lint: $(VENV)/.test ## ruff, mypy --strict, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

generated: $(VENV)/.test ## convert the notebooks again into generated/
	@$(BIN)/nb2pipe convert notebooks/flight_delays.ipynb --output generated
	@$(BIN)/nb2pipe convert notebooks/digits_torch.ipynb --output generated

docs: $(VENV)/.test ## write docs/diagnostics.md again, from the rules
	@mkdir -p build
	@$(BIN)/python -m nb2pipe.diagnostics.page > build/diagnostics.md
	@mv build/diagnostics.md docs/diagnostics.md

pins: $(BIN)/python ## renew constraints.txt with the newest versions that pyproject.toml allows (torch: by hand)
	@rm -rf build/pins
	@$(BIN)/python -m venv build/pins
	@grep '^torch==' constraints.txt > build/pins/torch.txt
	build/pins/bin/python -m pip --disable-pip-version-check install -q -c build/pins/torch.txt ".[dev]"
	@{ grep '^#' constraints.txt; build/pins/bin/python -m pip freeze \
	    | sed -E '/^nb2pipe /d; /^(cuda|nvidia|triton)-?/d; s/\+[a-z0-9.]+$$//'; } > build/pins/constraints.txt
	@mv build/pins/constraints.txt constraints.txt
	@rm -rf build/pins

clean: ## remove what the targets made, the environment included
	rm -rf $(VENV) build dist htmlcov .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

$(VENV)/.demo: $(SET_UP) | $(BIN)/python
	@echo "setting up $(VENV) for the demo (once, some minutes)"
	@$(PIP) install -q -c constraints.txt -e ".[demo]"
	@touch $@

$(VENV)/.test: $(SET_UP) | $(BIN)/python
	@echo "setting up $(VENV) for the tests (once, some minutes)"
	@$(PIP) install -q -c constraints.txt -e ".[demo,test,torch]"
	@touch $(VENV)/.demo $@

$(BIN)/python:
	@for python in $(or $(PYTHON),python3.11 python3 python3.12 python3.13); do \
	    if $$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null; then \
	        echo "making $(VENV) with $$($$python --version)"; \
	        $$python -m venv $(VENV) && exit 0; \
	        rm -rf $(VENV); \
	        echo "error: '$$python -m venv' failed (on Debian and Ubuntu: apt install python3-venv)" >&2; exit 1; \
	    fi; \
	done; \
	echo "error: nb2pipe needs Python 3.11, 3.12 or 3.13: install one, or name it: make PYTHON=/path/to/python ..." >&2; \
	exit 1
