# Two cores are enough for everything here. `make help` lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Processes of the suite.
WORKERS ?= 2
export JAX_COMPILATION_CACHE_DIR ?= $(CURDIR)/.cache/jax

.DEFAULT_GOAL := help
.PHONY: help explain test test-slow test-oldest test-newest wheel owner parity bench docs lint format demo realdata \
  study-small study study-real clean

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(READY): pyproject.toml requirements.txt
	$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and "lrp_jax needs Python 3.11 or later, got %d.%d: make PYTHON=python3.11 ..." % v[:2])'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $(READY)

test: $(READY) ## the suite (minutes)
	$(BIN)/python -m pytest -n $(WORKERS) -m "not slow"

test-slow: $(READY) ## the tests that take minutes each
	$(BIN)/python -m pytest -n $(WORKERS) -m slow

# Other versions of jax and of Python: an environment for each, the tests of core. What only the suite needs is
# pinned everywhere: hypothesis draws other examples in each version.
UV := $(VENV)-uv/bin/uv
$(UV):
	test -x $(VENV)-uv/bin/python || $(PYTHON) -m venv $(VENV)-uv
	$(VENV)-uv/bin/python -m pip install --quiet --disable-pip-version-check uv==0.13.9

define test_core_on
	$(UV) venv --quiet --clear --python "$$(command -v $(PYTHON))" $(VENV)-$(1)
	$(UV) pip install --quiet --python $(VENV)-$(1) --only-binary :all: --resolution $(2) \
	  --requirement pyproject.toml --extra captions \
	  $$(grep -E '^(pytest|pytest-xdist|hypothesis|equinox)==' requirements.txt)
	$(UV) pip list --quiet --python $(VENV)-$(1) | grep -E '^(jax|jaxlib|numpy|jaxtyping|flax) '
	JAX_COMPILATION_CACHE_DIR= PYTHONPATH=. $(VENV)-$(1)/bin/python -m pytest -n $(WORKERS) -m "not slow" tests/core
endef

test-oldest: $(UV) ## core's tests on the lower bounds of pyproject.toml (make test-oldest PYTHON=python3.13)
	$(call test_core_on,oldest,lowest-direct)

test-newest: $(UV) ## core's tests on the newest jax (needs Python 3.12 or later: make test-newest PYTHON=python3.12)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 12) and "the newest jax needs Python 3.12 or later: make test-newest PYTHON=python3.12")'
	$(call test_core_on,newest,highest)

$(VENV)-wheel/.ready: tests/wheel/requirements.txt
	test -x $(VENV)-wheel/bin/python || $(PYTHON) -m venv $(VENV)-wheel
	$(VENV)-wheel/bin/python -m pip install --quiet --disable-pip-version-check -r tests/wheel/requirements.txt
	touch $@

wheel: $(VENV)-wheel/.ready ## sdist and wheel in dist/, tried in an empty environment outside the clone (minutes)
	rm -rf dist
	$(VENV)-wheel/bin/python -m build --no-isolation --outdir dist . >/dev/null
	$(VENV)-wheel/bin/python tests/wheel/contents.py dist
	$(VENV)-wheel/bin/python tests/wheel/trial.py dist

# Files that name the repository's address.
ADDRESSED = pyproject.toml README.md $(wildcard notebooks/*.ipynb)

owner: ## write your account on GitHub where OWNER stands: make owner NAME=somebody
	@test -n "$(NAME)" || { echo "whose repository? make owner NAME=somebody" >&2; exit 2; }
	perl -pi -e 's,\bOWNER/lrp_jax,$(NAME)/lrp_jax,g' $(ADDRESSED)

$(VENV)-parity/.ready: requirements.txt tests/parity/requirements.txt
	test -x $(VENV)-parity/bin/python || $(PYTHON) -m venv $(VENV)-parity
	$(VENV)-parity/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.txt $$(grep '^torch==' tests/parity/requirements.txt)
	$(VENV)-parity/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r tests/parity/requirements.txt -e .
	touch $@

parity: $(VENV)-parity/.ready ## every rule and preset against zennit, captum and lxt (minutes; WRITE=1 rewrites the table of docs/parity.md)
	$(VENV)-parity/bin/python -m pytest tests/parity $(if $(WRITE),--write-table)

$(VENV)-docs/.ready: docs/requirements.txt
	test -x $(VENV)-docs/bin/python || $(PYTHON) -m venv $(VENV)-docs
	$(VENV)-docs/bin/python -m pip install --quiet --disable-pip-version-check -r docs/requirements.txt
	touch $@

docs: $(VENV)-docs/.ready ## the documentation in site/, warnings are errors; makes .venv-docs on the first run
	NO_MKDOCS_2_WARNING=1 $(VENV)-docs/bin/python -m mkdocs build --strict --quiet
	@echo "site/index.html; or, with the search: python3 -m http.server --directory site"

lint: $(READY) ## ruff, as in CI
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

format: $(READY) ## ruff's fixes and format
	$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

explain: $(READY) ## explain drawn scenes with the captioner that ships with the package, out/index.html (a minute)
	$(BIN)/lrp-jax explain
	@echo "open out/index.html"

demo: $(READY) ## train a captioner on drawn scenes and explain its words (minutes)
	$(BIN)/lrp-jax demo

bench: $(VENV)-parity/.ready ## speed, beside torch, zennit, captum and pycocoevalcap, into docs/BENCHMARKS.md (an hour)
	$(VENV)-parity/bin/python -m benchmarks.growth --json=docs/benchmarks/growth.json --plot=docs/images/growth.png
	set -e; for name in explain throughput train decode reward data; do \
	  $(VENV)-parity/bin/python -m benchmarks.$$name --json=docs/benchmarks/$$name.json; done
	$(VENV)-parity/bin/python -m benchmarks.tables

realdata: $(READY) ## real captions and boxes (a minute), then the same on photographs (hours), where ../shared/realdata is
	$(BIN)/python -m benchmarks.real_sources --data=../shared/realdata
	$(BIN)/python -m benchmarks.photographs --data=../shared/realdata

study-small: $(READY) ## the small study on drawn scenes, and docs/RESULTS.md (hours; goes on where it stopped)
	$(BIN)/python -m study --part=small
	$(BIN)/python -m study.results

study: $(READY) ## all of the study on drawn scenes (a day)
	$(BIN)/python -m study --part=all
	$(BIN)/python -m study.results

study-real: $(READY) ## the study on photographs, where ../shared/realdata is (hours)
	$(BIN)/python -m study --part=photographs --data=../shared/realdata
	$(BIN)/python -m study.results

clean: ## remove what the targets made, the environment included
	rm -rf $(VENV) $(VENV)-oldest $(VENV)-newest $(VENV)-uv $(VENV)-parity $(VENV)-docs $(VENV)-wheel dist .cache runs out site .pytest_cache .ruff_cache
