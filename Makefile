# The two commands that matter: `make run` and `make test`. Both set up what they need.
.DEFAULT_GOAL := help
PYTHON ?= python3
KILLS ?= 500
BIN := .venv/bin
SOURCES := chatapp wsgi.py gunicorn.conf.py tools tests bench

help: ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## */  make \1\t/' | expand -t 18

run: ## install what is needed and serve the site on http://127.0.0.1:8000
	@$(PYTHON) tools/setup.py run
	@exec $(PYTHON) tools/serve.py

setup: ## install what the tests need
	@$(PYTHON) tools/setup.py test

test: setup check ## every check and every test
	@$(BIN)/python -m pytest -n 3 --dist loadfile

check: ## style, types, layers, templates, JavaScript
	@$(BIN)/ruff check --quiet $(SOURCES)
	@$(BIN)/ruff format --quiet --check $(SOURCES)
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo > .import-linter.log || { cat .import-linter.log; exit 1; }
	@$(BIN)/djlint templates --lint --quiet
	@$(BIN)/python tools/check_js.py

format: ## put the code into its form
	@$(BIN)/ruff check --quiet --fix $(SOURCES)
	@$(BIN)/ruff format --quiet $(SOURCES)

bench: setup ## measure: CPU per token, memory, start, time to first token, calls of the store (half an hour)
	@$(BIN)/python -m bench
	@$(BIN)/python -m bench store

durability: setup ## kill servers under writers, KILLS times on each database, and count what is lost (minutes)
	@$(BIN)/python -m tests.durability --kills $(KILLS)

fuzz: setup ## send malformed requests and broken connections to every route, on each database (minutes)
	@$(BIN)/python -m tests.fuzz

lock: setup ## pin the requirements, with hashes, from the .in files
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header \
		--python-version 3.11 requirements.in -o requirements.txt
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header \
		--python-version 3.11 requirements-dev.in -o requirements-dev.txt

clean: ## remove what set-up and tests made
	@rm -rf .venv node_modules .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .import-linter.log

.PHONY: help run setup test check format bench durability fuzz lock clean
