# Every target creates what it needs in $(VENV). Needs: Python 3.10-3.12, a C and C++ compiler, pip.
PYTHON ?= python3
VENV ?= .venv
DATASET ?= digits
DATA ?=
EXAMPLES ?= 2000
MSP430_TOOLCHAIN ?= $(firstword $(wildcard ../shared/toolchains/msp430-elf-*.tar.xz))

BIN := $(abspath $(VENV))/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
CORE := $(wildcard kernels/src/*.h kernels/src/*/*.c kernels/src/*/*.h kernels/src/*/*.cc)
HOST := $(wildcard tflm_unit/native/* tflm_unit/tflm_host/*)
PYTHON_SOURCES := tflm_unit converter boards tests benchmarks examples
MACHINES := $(wildcard boards/machines/*.h boards/machines/*/*.c boards/machines/*/*.h boards/machines/*/*.cpp)
SKETCHES := $(wildcard examples/*/src/main.cpp) $(foreach name,front_end speech,$(wildcard examples/*/src/$(name).[ch]))
C_SOURCES := $(filter %.c %.h %.cc,$(CORE) $(HOST)) $(MACHINES) $(wildcard tests/*.c tests/*.cc) $(SKETCHES)

.PHONY: help demo test test-all setup-sim lint format clean
help:
	@echo "make demo      train, convert and evaluate a small CNN (DATASET=digits or mnist, DATA=mnist.npz)"
	@echo "make test      the test suite"
	@echo "make test-all  the test suite with $(EXAMPLES) random layers per operator, sanitizers and slow checks"
	@echo "make setup-sim compilers and simulators for boards/ (docs/boards.md)"
	@echo "make lint      ruff, mypy, clang-format"
	@echo "make format    apply ruff and clang-format"

$(VENV)/.python: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; ok = (3, 10) <= sys.version_info < (3, 13); sys.exit(None if ok else \
	  f"Python 3.10 to 3.12 is needed, this is {sys.version.split()[0]}: make PYTHON=/path/to/python3.11 ...")'
	@echo "Installing the packages of constraints.txt into $(VENV) (TensorFlow included; takes a few minutes)"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install -c constraints.txt pip
	@$(PIP) install -c constraints.txt cmake ninja scikit-build-core nanobind
	@touch $@

$(VENV)/.installed: $(VENV)/.python CMakeLists.txt $(CORE) $(HOST)
	@PATH="$(BIN):$$PATH" $(PIP) install -c constraints.txt --no-build-isolation -e '.[all]'
	@touch $@

demo: $(VENV)/.installed
	@$(BIN)/tflm-unit demo --dataset $(DATASET) $(if $(DATA),--data $(DATA))

test: $(VENV)/.installed
	@$(BIN)/pytest -n auto -m "not slow"

test-all: $(VENV)/.installed
	@TFLM_UNIT_EXAMPLES=$(EXAMPLES) $(BIN)/pytest -n auto
	@PATH="$(BIN):$$PATH" tests/run_sanitized.sh
	@tests/run_without_tensorflow.sh $(PYTHON)

setup-sim: $(VENV)/.installed
	@PYTHON="$(BIN)/python" MSP430_TOOLCHAIN="$(MSP430_TOOLCHAIN)" boards/setup_sim.sh

lint: $(VENV)/.installed
	@$(BIN)/ruff check $(PYTHON_SOURCES)
	@$(BIN)/ruff format --check $(PYTHON_SOURCES)
	@$(BIN)/clang-format --dry-run --Werror $(C_SOURCES)
	@$(BIN)/python tests/typecheck.py

format: $(VENV)/.installed
	@$(BIN)/ruff check --fix $(PYTHON_SOURCES)
	@$(BIN)/ruff format $(PYTHON_SOURCES)
	@$(BIN)/clang-format -i $(C_SOURCES)

clean:
	rm -rf build dist demo_output .pio
