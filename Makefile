# The commands of this checkout. Everything is installed into .venv here, nothing elsewhere.
PYTHON ?= python3
BIN := .venv/bin
EARFUL := $(BIN)/earful

.PHONY: help setup run test lint types imports tests bench bench-pages bench-tenmillion bench-writers bench-machines breaks mutants crash faults machines soak train quality pictures dist lock sbom clean

help:
	@awk -F ':.*  ## ' '/  ## / && !/awk/ {printf "make %-12s %s\n", $$1, $$2}' Makefile

# (exec: Ctrl-C ends it without a word from make; the environment: a query keeps its quotation marks)
run: setup  ## the sample day, offline; with BRAND="X": live posts about X, no key needed
	@exec $(EARFUL) $(if $(BRAND),demo --brand "$$BRAND",run)

# One more than there are processors, since a third of a test's time is waiting for a browser, a database or a network.
AT_ONCE := $(shell $(PYTHON) -c 'import os; print(min(4, (os.cpu_count() or 1) + 1))' 2>/dev/null)

# Everything that CI runs.
test: .venv/.developer lint  ## everything that CI runs
	@$(MAKE) --no-print-directory -j2 types imports tests  # mypy has one thread: the tests begin meanwhile
lint:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
types:
	$(BIN)/mypy
imports:
	$(BIN)/lint-imports --no-cache
tests:
	$(BIN)/pytest -n $(AT_ONCE) --dist worksteal -q

# How fast it is on this machine, about five minutes; the last line is one JSON object. bench-pages: a million mentions, 15 minutes at most.
bench: .venv/.developer  ## how fast it is here, in five minutes
	@$(BIN)/python -m benchmarks.bench
bench-writers: .venv/.developer  ## eight who store at once on PostgreSQL beside one, 15 minutes
	@$(BIN)/python -m benchmarks.writers
bench-machines: .venv/.developer  ## what a post costs one, two and four judges on PostgreSQL
	@$(BIN)/python -m benchmarks.machines
bench-tenmillion: .venv/.developer  ## ten million mentions on both databases, hours; they are kept in var/
	@$(BIN)/python -m benchmarks.tenmillion
bench-pages: .venv/.developer  ## the page on a million mentions, 15 minutes
	@$(BIN)/python -m benchmarks.pages

# kill -9 at every write, sync and send of a scripted run: about an hour (`make test` takes a sample of them).
crash: .venv/.developer  ## kill -9 at every write, half an hour
	EARFUL_WHOLE_WALK=1 $(BIN)/pytest -q tests/crash/test_reply_walk.py
	$(BIN)/python -m tests.crash.walk

# One-line faults, each in a copy of the code, and the test that notices it: all of them, a few minutes (`make test` takes two a day).
breaks: .venv/.developer  ## one-line faults, and the test that notices each
	EARFUL_BREAKS=all $(BIN)/pytest -n 2 -q tests/breaks

# 300 small faults made by a machine, each against the tests that run its line: 25 minutes at most, run again it goes on.
mutants: .venv/.developer  ## 300 small faults, 25 minutes
	@$(BIN)/python -m tests.mutants.walk

# The world around the daemon fails (networks, Slack, mail, the database, the disk, the clock): the real process between
# ledgers, on both databases; 20 minutes at most, a table of what was lost, what came twice and how it was told.
faults: .venv/.developer  ## the world around the daemon fails, a table
	@$(BIN)/python -m tests.faults.walk

# Real processes on one PostgreSQL are killed, frozen and cut off, and PostgreSQL is stopped and filled; 25 minutes at most.
machines: .venv/.developer  ## workers on one PostgreSQL die, a table
	@$(BIN)/python -m tests.machines.walk

# make soak MINUTES=60   the real daemon with a clock 24 times as fast: memory, threads, files, log and lateness stay flat.
MINUTES ?= 60
soak: .venv/.developer  ## an hour at 24 times the speed: memory, files, lateness
	@$(BIN)/python -m tests.faults.soak --minutes $(MINUTES)

# train: write the shipped judge anew from data that lies beside the checkout; the vectors of its texts are kept in var/vectors.
# quality: whether two readers agree, whether the judge knows the question, what it finds hard, what 200 answers of staff are worth, what "not us" keeps away, how well causes fit, and which leaps are found.
train: .venv/.developer  ## write the judge that ships again
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[train]'
	$(BIN)/python benchmarks/train.py
	$(BIN)/python -m benchmarks.reader --train
	$(BIN)/python -m benchmarks.harm --train
quality: .venv/.developer  ## how good the judge is
	$(BIN)/python -m benchmarks.agreement
	$(BIN)/python benchmarks/question.py
	$(BIN)/python -m benchmarks.harm
	$(BIN)/python benchmarks/train.py --report
	$(BIN)/python -m benchmarks.reader
	$(BIN)/python benchmarks/quality.py
	$(BIN)/python benchmarks/learning.py
	$(BIN)/python benchmarks/relevance.py
	$(BIN)/python -m benchmarks.causes
	$(BIN)/python benchmarks/incidents.py

# The README's pictures of the page, from the sample day. Needs a Chromium: apt-get install chromium
pictures: .venv/.developer  ## the README's pictures of the page
	@$(BIN)/python -m benchmarks.pictures

# dist/earful-VERSION.whl: everything that runs, in one file for pipx or pip.
dist: .venv/.developer  ## build the wheel for pipx or pip
	@$(BIN)/python -m hatchling build -t wheel

# The packages that the image installs and those that build its wheel, with the hashes of all their wheels; after each
# change of constraints.txt.
lock: .venv/.installed  ## the packages of the image, with their hashes
	@$(BIN)/pip install --quiet --disable-pip-version-check uv==0.13.9
	@$(BIN)/uv pip compile pyproject.toml --extra postgres -c constraints.txt --universal --python-version 3.11 \
	    --generate-hashes --no-build --no-emit-package pip --no-header \
	    --no-annotate --no-emit-index-url --quiet -o deploy/requirements.lock
	@echo hatchling | $(BIN)/uv pip compile - -c constraints.txt --universal --python-version 3.11 \
	    --generate-hashes --no-build --no-header --no-annotate --no-emit-index-url --quiet -o deploy/build.lock

# What the image is made of, as CycloneDX JSON: var/sbom.json.
sbom: .venv/.installed  ## what the image is made of
	@$(BIN)/python deploy/sbom.py var/sbom.json

setup: .venv/.installed

.venv/.python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Earful needs Python 3.11 or newer; this is %d.%d. Try: make PYTHON=python3.12 run" % sys.version_info[:2])'
	@echo "Setting up .venv (once, about a minute) ..."
	@umask 022 && $(PYTHON) -m venv .venv
	@touch $@

.venv/.installed: .venv/.python pyproject.toml constraints.txt
	@umask 022 && $(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

.venv/.developer: .venv/.installed
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

clean:
	rm -rf .venv .mypy_cache .ruff_cache .hypothesis
