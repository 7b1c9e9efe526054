# Everything happens in a virtual environment of its own; the first target that needs it makes it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
WORKERS ?= 3

# Bytecode is kept, whatever the shell says: a run of the tests starts Python thousands of times. Apart from the sources: some are copied.
export PYTHONDONTWRITEBYTECODE :=
export PYTHONPYCACHEPREFIX := $(CURDIR)/build/bytecode

.DEFAULT_GOAL := help
.PHONY: help demo test check lint format sim pico-deps qemu-deps rv32-deps native-deps trust-deps engines-deps pico qemu rv32 native package firmware bench pictures proofs soak clean

help: ## List the targets
	@grep -hE '^[a-z0-9 -]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 32

$(BIN)/python:
	$(PYTHON) -m venv $(VENV) || (apt-get update -q && apt-get install -y -q python3-venv && $(PYTHON) -m venv $(VENV)) # Debian splits venv off

$(READY): pyproject.toml firmware/boardmaps/flags.py | $(BIN)/python # the second has the version that is installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

$(VENV)/.demo: pyproject.toml | $(BIN)/python # all that a first look needs, and a first test (the clone's settings of pytest have a timeout): half a minute where everything takes two
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[sim,deploy,test,top]' pytest-timeout
	@touch $@

demo: $(or $(wildcard $(READY)),$(VENV)/.demo) ## Boot a simulated board and drive its maps for some seconds: no hardware needed
	$(BIN)/boardmaps demo

test: $(READY) ## Run all tests: the contract suite over every target, the rest once
	$(MAKE) --jobs=2 --output-sync=target lint chips
	$(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

check: lint ## Check style and types, the twin and the contract on twin and unix board: a minute, for every change
	$(BIN)/python -m pytest -q -n $(WORKERS) -k "not pico and not qemu" tests/twin tests/typing tests/contract

.PHONY: pythons
pythons: $(READY) ## Run the tests of the host's side on CPython 3.13 and 3.14 too (VERSIONS=3.14 for one), as root on Linux
	command -v debootstrap >/dev/null || apt-get install -y -q debootstrap
	$(BIN)/python tests/pythons.py $(VERSIONS)

lint: $(READY) ## Check style and types, of the host code and of the board code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python boards/check_types.py

format: $(READY) ## Put the code into ruff's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

sim: $(READY) ## Run a simulated board in the foreground until Ctrl-C
	$(BIN)/boardmaps sim

pico-deps qemu-deps rv32-deps native-deps trust-deps engines-deps: $(READY) ## Get the cross tool chain and MicroPython's source, kept outside the checkout
	$(BIN)/python boards/build.py $@

pico qemu rv32: $(READY) ## Build MicroPython for the emulated Pico, for the Cortex-M3 and RISC-V in QEMU
	$(BIN)/python boards/build.py $@

native: $(READY) ## Build the C kernels as native modules for stock firmware (ARCH=xtensawin: with Espressif's compiler)
	$(BIN)/python boards/build.py $@ $(if $(ARCH),--arch $(ARCH))

.PHONY: dist
dist: mip ## Build sdist, wheel and mip index into dist/, and try each in empty environments, also of Debian's newest CPython (VERSIONS= for none)
	command -v debootstrap >/dev/null || test -z "$(VERSIONS)" || apt-get install -y -q debootstrap
	$(BIN)/python -m tests.dist $(VERSIONS)

dist: VERSIONS ?= 3.14

.PHONY: docs
docs: $(READY) ## Build the documents as a site into build/site; a warning or a link to nowhere is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

.PHONY: chips
chips: $(READY) # what the tests of the emulated chips need, where this machine can have it
	$(BIN)/python boards/build.py --if-possible deps qemu pico rv32 native

package: $(READY) ## Write firmware/package.json from the modules that are there
	$(BIN)/python firmware/make_package.py

.PHONY: mip
mip: native ## Write packages for `mpremote mip install` to build/mip, with the kernels in C, one a processor
	$(BIN)/python firmware/make_mip.py

firmware: $(READY) ## Compile the board's modules for every processor of boards/*.toml, with a table of their sizes
	$(BIN)/python -m bench.flash

bench: $(READY) chips ## Measure, print the tables, write build/bench/*.json
	$(BIN)/python -m bench.unix
	$(BIN)/python -m bench.twin
	$(BIN)/python -m bench.line
	$(BIN)/python -m bench.qemu
	$(BIN)/python -m bench.reopening
	$(BIN)/python -m bench.marks
	$(BIN)/python -m bench.fields
	$(BIN)/python -m bench.heap
	$(BIN)/python -m bench.pico
	$(BIN)/python -m bench.pins
	$(BIN)/python -m bench.chipline
	$(BIN)/python -m bench.sharing pico
	$(BIN)/python -m bench.top pico
	$(BIN)/python -m bench.project
	$(BIN)/python -m bench.starting
	$(BIN)/python -m bench.exports pico
	$(BIN)/python -m bench.plot

pictures: $(READY) engines-deps ## Draw docs/speed.svg from what `make bench` measured last, and the view: by itself, in tmux, in a browser
	$(BIN)/python -m bench.plot docs/speed.svg
	$(BIN)/python -m bench.view docs

proofs: $(READY) trust-deps ## Prove with Frama-C what docs/proofs.md says of the kernels in C, and write it: half an hour, or what has changed since
	$(BIN)/python -m tests.kernels.proofs

soak: $(READY) chips ## Run for an hour what the tests run for seconds; an error if anything is missed
	$(BIN)/python -m pytest -q -n $(WORKERS) tests/differential --longer 10
	$(BIN)/python -m soak.kernels
	$(BIN)/python -m soak.schemas
	$(BIN)/python -m soak.pins
	$(BIN)/python -m soak.line
	$(BIN)/python -m soak.commits
	$(BIN)/python -m soak.sharing 100000
	$(BIN)/python -m soak.chips
	$(BIN)/python -m soak.resets
	$(BIN)/python -m soak.wheel

clean: ## Remove what was built here; downloads outside the checkout stay
	rm -rf build dist .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
