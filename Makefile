# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
DOCS := .venv/.docs

.PHONY: help install demo test check docs format constraints clean

help:
	@echo "make demo         install, then clean a simulated recording; look into demo-output/"
	@echo "make test         install, then run the tests (ARGS='tests/io -k snirf' runs some)"
	@echo "make check        lint, format, types, layers, and what the wheel holds"
	@echo "make docs         the documentation as web pages: build/docs/index.html"
	@echo "make format       let ruff rewrite the sources"
	@echo "make constraints  write the installed versions to constraints.txt"
	@echo "make clean        remove what the above made, .venv included"

install: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -c constraints.txt -e ".[dev,peers,public]"
	touch $@

demo: $(INSTALLED)
	$(BIN)/neurofuse demo --out demo-output --overwrite

test: $(INSTALLED)
	$(BIN)/python -m pytest -n auto --dist loadfile $(ARGS)

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m pytest -q -k wheel tests/test_package.py

$(DOCS): $(INSTALLED)
	$(BIN)/python -m pip install -c constraints.txt -e ".[docs]"
	touch $@

# the first run takes minutes: it runs the notebooks, whose results are kept below build/
docs: $(DOCS)
	$(BIN)/python -m sphinx --fresh-env --fail-on-warning --keep-going --quiet $(ARGS) docs build/docs
	@echo "open build/docs/index.html"

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
	rm -rf .pytest_cache .ruff_cache .import_linter_cache .hypothesis
