# Everything runs in .venv of this checkout; `make run` and `make test` build it if it is not there.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
BENCH_STAMP := $(VENV)/.bench-installed
BROWSER_STAMP := $(VENV)/.browser-installed

.PHONY: run test test-long test-browser test-office setup check bench bench-compare bench-smoke golden golden-diff docs dist clean

run: $(STAMP)
	$(BIN)/yieldopt solve cases/accelerators_2026.toml

TESTS := -m pytest -q -n 2 --dist loadfile tests yieldopt

test: $(STAMP)
	@echo "needs no browser and no office; report and workbook in real ones: make test-browser test-office"
	$(BIN)/python $(TESTS) -m "not long"

# More seeds of the random problems, and what takes more than three seconds; CI runs them too.
test-long: $(STAMP)
	$(BIN)/python $(TESTS) -m long

# The report in a real Chromium, which must be installed (or named by CHROMIUM); the other tests need none.
test-browser: $(BROWSER_STAMP)
	$(BIN)/python -m pytest -q -p no:xdist tests/browser

$(BROWSER_STAMP): $(STAMP)
	$(BIN)/python -m pip install -q --disable-pip-version-check -e ".[dev,browser]"
	touch $(BROWSER_STAMP)

# The workbook in LibreOffice Calc, which must be installed (or named by SOFFICE); the other tests need none.
test-office: $(STAMP)
	$(BIN)/python -m pytest -q -p no:xdist tests/office

setup: $(STAMP) $(BENCH_STAMP)

$(STAMP): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check -e ".[dev]"
	-PYTHONDONTWRITEBYTECODE= $(BIN)/python -m compileall -q $(VENV)/lib yieldopt > /dev/null 2>&1
	-$(BIN)/python -c "from yieldopt.report.page.library import library; library()" # kept for the first report
	touch $(STAMP)

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# What the benches need beyond the tests: the peers that they are set against.
$(BENCH_STAMP): $(STAMP)
	$(BIN)/python -m pip install -q --disable-pip-version-check -e ".[dev,bench]"
	touch $(BENCH_STAMP)

ONE_THREAD := OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1
BENCHES := -m pytest -q -s bench -o python_files="bench_*.py" -p no:xdist -p no:cacheprovider

bench: $(BENCH_STAMP)
	$(ONE_THREAD) $(BIN)/python $(BENCHES) --record --tb=line --benchmark-columns=min,median,rounds --benchmark-disable-gc

bench-compare: $(BENCH_STAMP)
	$(ONE_THREAD) $(BIN)/python -m bench.compare

bench-smoke: $(BENCH_STAMP)
	$(ONE_THREAD) $(BIN)/python $(BENCHES) --smoke --benchmark-disable

golden: $(STAMP)
	$(BIN)/python -m tests.golden_cases write

golden-diff: $(STAMP)
	$(BIN)/python -m tests.golden_cases diff

docs: $(STAMP)
	$(BIN)/python -m tests.guide.reference

dist: $(STAMP)
	$(BIN)/python -m build

clean:
	rm -rf $(VENV) dist build out .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
