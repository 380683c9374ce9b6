# make demo   set everything up, then run the demo study to its report
# make test   set everything up, then check style and types and run the tests
# make torture   the faults of the tests, in full: 8 writers x 500 rows, 100 sweeps killed, PostgreSQL stopped,
#                disks filled, 2,000 files imported and 2,000 studies read

PYTHON ?= python3
BIN := .venv/bin
export QUARTO_PYTHON := $(abspath $(BIN)/python)
export PATH := $(abspath $(BIN)):$(PATH)

.PHONY: demo test torture report clean

demo: $(BIN)/.demo
	python -m runner sweep
	dbt build
	python -m analysis fit
	@$(MAKE) --no-print-directory report
	@python -m analysis fit --study demo  # nothing has changed since, so this prints the parameters

report: $(BIN)/.demo
	@if command -v quarto > /dev/null; \
	then quarto render report/ && echo "the report: report/_output/index.html and report/_output/index.pdf"; \
	else echo "quarto is not installed (quarto.org/docs/get-started): figures and tables go to report/_output/"; \
	python -m report; fi

test: $(BIN)/.test
	ruff check .
	ruff format --check .
	mypy
	pytest --numprocesses 2 --dist loadfile

torture: $(BIN)/.test
	python -m tests.faults.torture_warehouse
	python -m tests.faults.torture_sweeps
	TRANSFER_LAWS_TORTURE_EXAMPLES=2000 pytest tests/warehouse/test_warehouse_imports.py tests/runner/test_runner_study_fuzzed.py

$(BIN)/.%: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[$*]'
	touch $@

clean:
	rm -rf .venv target logs report/_output
