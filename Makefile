# Two commands on a fresh machine: make demo, make test.
.DEFAULT_GOAL := help
.PHONY: help demo test check soak bench install java classes airflow docs lock clean

BIN := .venv/bin
PYTEST_ARGS ?=
SOAK_ARGS ?=
BENCHMARKS ?= extract embed ocr figures linking filters retrieval index growth publishing nightly
DEMO ?= demo
# Spark's Java: the machine's, or a private one beside .venv.
JAVA = PYTHONPATH=. $(BIN)/python infra/java.py
WITH_JAVA = JAVA_HOME="$$($(JAVA))" && export JAVA_HOME &&

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 10

demo: java .venv/.installed classes ## install, draw two weekly archives, run the whole pipeline on them, search; results in demo/
	@$(WITH_JAVA) $(BIN)/figlake demo --out $(DEMO)

test: java .venv/.installed classes .venv-airflow/.installed ## install and run every test; PYTEST_ARGS="-k linking" picks some
	@$(WITH_JAVA) $(BIN)/pytest $(PYTEST_ARGS)

check: .venv/.installed ## lint, format and type check; scripts and images; advisories on the pinned versions
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/shellcheck infra/*.sh infra/*/*.sh .ci/run
	$(BIN)/hadolint infra/Dockerfile
	$(BIN)/python infra/audit.py

soak: java .venv/.installed classes ## all faults, for about an hour: kills, disks, clocks, stores, parsers; one table; SOAK_ARGS="--kills 100" tries more, "--minutes 20" ends sooner
	@$(WITH_JAVA) $(BIN)/python -m tests.faults.soak $(SOAK_ARGS); cases=$$?; \
		FIGLAKE_FUZZ_SECONDS=60 $(BIN)/pytest -q -m "" tests/faults && exit $$cases

bench: java .venv/.installed classes ## every benchmark, each a ratio against a peer in the same run
	@$(WITH_JAVA) for name in $(BENCHMARKS); do echo "== $$name"; $(BIN)/python -m benchmarks.$$name || exit 1; done

install: java .venv/.installed classes ## the environment .venv, from pinned versions
airflow: .venv-airflow/.installed ## the environment .venv-airflow: Airflow and Spark never share one

# Before anything large is fetched: whether there is, or can be, a Java.
java: .venv/bin/python
	@$(JAVA) >/dev/null

.venv/bin/python:
	@infra/install.sh .venv

.venv/.installed: pyproject.toml constraints.txt infra/install.sh
	@infra/install.sh .venv -c constraints.txt -e '.[cpu,dev]'
	@touch $@

# Spark's classes, kept ready: its JVMs start in half the time, and do as well without. Looks each time, for Java may change.
classes: .venv/.installed
	@$(WITH_JAVA) $(BIN)/python -m pipeline.engines.classes 2>/dev/null

# A lock, not only constraints: the extra "airflow" without figlake's own dependencies.
.venv-airflow/.installed: pyproject.toml constraints-airflow.txt infra/install.sh
	@infra/install.sh .venv-airflow -r constraints-airflow.txt
	@infra/install.sh .venv-airflow --no-deps -e .
	@touch $@

docs: .venv/.installed ## regenerate what the documentation takes from the code
	$(BIN)/python -m schemas.contract
	$(BIN)/python -m schemas.docs
	$(BIN)/python infra/steps_table.py

lock: .venv/.installed ## pin the Airflow environment anew, to the newest versions that the extra allows
	@$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["airflow"], sep="\n")' \
		| $(BIN)/uv pip compile - --universal --python-version 3.11 --upgrade --quiet --no-annotate --no-header -o constraints-airflow.txt

clean: ## remove environments, the private Java, caches and the demo
	rm -rf .venv .venv-airflow .jdk demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
