# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
DOCS := .venv/.docs
EMPTY := build/empty-environment
PYTEST := $(BIN)/python -m pytest -n auto --dist loadfile

.PHONY: help install demo test test-fast check docs dist format constraints clean

help:
	@echo "make demo         install, then clean a simulated recording; look into demo-output/"
	@echo "make test         install, then run all tests (ARGS='tests/io -k snirf' runs some)"
	@echo "make test-fast    the same without the slow ones: under 4 minutes on two cores"
	@echo "make check        lint, format, types, layers, public names, sdist and wheel"
	@echo "make docs         the documentation as web pages: build/docs/index.html"
	@echo "make dist         sdist and wheel in dist/, checked, installed and run elsewhere"
	@echo "make format       let ruff rewrite the sources"
	@echo "make constraints  write the installed versions to constraints.txt"
	@echo "make clean        remove what the above made, .venv included"

install: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -c constraints.txt -e ".[dev,methods,public,stream,cluster,edge,federated]"
	touch $@

demo: $(INSTALLED)
	$(BIN)/neurofuse demo --out demo-output --overwrite

test: $(INSTALLED)
	$(PYTEST) $(ARGS)

test-fast: $(INSTALLED)
	$(PYTEST) -m "not slow" $(ARGS)

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m pytest -q tests/test_contract.py
	$(BIN)/python -m pytest -q -k "wheel or sdist" tests/test_package.py

$(DOCS): $(INSTALLED)
	$(BIN)/python -m pip install -c constraints.txt -e ".[docs]"
	touch $@

# the first run takes minutes: it runs the notebooks, whose results are kept below build/
docs: $(DOCS)
	$(BIN)/python -m sphinx --fresh-env --fail-on-warning --keep-going --quiet $(ARGS) docs build/docs
	@echo "open build/docs/index.html"

# the demo runs in a folder and an environment that know nothing of these sources
dist: $(INSTALLED)
	rm -rf dist $(EMPTY)
	$(BIN)/python -m build --outdir dist
	NEUROFUSE_DIST=$(CURDIR)/dist $(BIN)/python -m pytest -q -k "wheel or sdist" tests/test_package.py
	$(BIN)/python -m venv $(EMPTY)
	$(EMPTY)/bin/python -m pip install --quiet -c constraints.txt dist/*.whl
	out=$$(mktemp -d) && cd "$$out" && \
		$(CURDIR)/$(EMPTY)/bin/neurofuse demo --out demo && rm -r "$$out"

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# torch without its +cpu suffix, so that one file serves machines with and without a GPU
constraints: $(DOCS)
	echo "# exact versions that were tested together; made by: make constraints" > constraints.new
	$(BIN)/python -m pip freeze --all --exclude pip --exclude-editable | sed 's/+cpu$$//' >> constraints.new
	mv constraints.new constraints.txt

clean:
	rm -rf .venv build dist demo-output src/*.egg-info pysnirf2.log
	rm -rf .pytest_cache .ruff_cache .import_linter_cache .grimp_cache .hypothesis
