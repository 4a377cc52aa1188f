# Two commands for a newcomer: `make demo` and `make test`. Both set up what they need: Python >= 3.10 and make suffice.

PYTHON ?= python3
# An index of CPU wheels of torch, which are smaller by far: https://pytorch.org/get-started/locally names PyTorch's own.
TORCH_INDEX ?=
# What builds the container file: podman or docker.
ENGINE ?= podman
VENV ?= .venv
BIN := $(VENV)/bin
# The build backend warns of every editable install, pip of every index that lacks a package; what fails is still said.
PIP := PYTHONWARNINGS=ignore $(BIN)/python -m pip -qq --disable-pip-version-check
# Processes that test side by side; each holds torch, about a gigabyte. One thread each: torch's wait for one another by
# spinning, and where the cores are taken, by the other process or by others, that is most of the time.
JOBS ?= 2
TEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q
# A process that dies fails the run there: what it held, an archive or a port, would keep others waiting.
MANY := -n $(JOBS) --dist loadfile --max-worker-restart 0

.PHONY: help demo test test-quick test-viewer container lint types format fuzz fuzz-listen bench bench-model
.PHONY: bench-readouts bench-explain bench-engines bench-likeness bench-stability bench-robustness bench-volume bench-fl bench-finetune bench-scale bench-ceiling bench-patient
.PHONY: bench-listen detector-phantom test-fl test-ray test-deploy flag-rates model-card schema wheel clean

help: ## say what can be made
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(VENV)/.demo ## score the built-in phantom study
	$(BIN)/nodulus demo -o out/demo

test: lint ## lint, types, tests
	$(TEST) $(MANY)

test-quick: $(VENV)/.dev ## the tests that take less than ten seconds each
	$(TEST) $(MANY) -m "not slow"

test-viewer: $(VENV)/.dev $(VENV)/.ohif ## look at results in OHIF, out of an Orthanc (npm; Debian: orthanc orthanc-dicomweb chromium)
	NODULUS_OHIF=$(VENV)/ohif/package/dist NODULUS_REQUIRE_VIEWER=1 $(TEST) tests/viewer

lint: $(VENV)/.dev types ## style and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	PYTHONPATH=.typing $(BIN)/lint-imports --no-logo 2>/dev/null || PYTHONPATH=.typing $(BIN)/lint-imports

types: $(VENV)/.dev ## mypy, strict
	$(BIN)/mypy -p nodulus
	$(BIN)/mypy tests benchmarks

format: $(VENV)/.dev ## let ruff write the layout
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

fuzz: $(VENV)/.dev ## read 10 500 damaged inputs of every kind: a table (into PAGE=FILE), and what ended as none should
	$(BIN)/python -m tests.fuzz $(if $(PAGE),--page "$(PAGE)")

bench: $(VENV)/.bench ## ours and the alternatives, side by side: a table, and out/bench.json
	$(BIN)/python -m benchmarks.speed

bench-model: $(VENV)/.dev ## train and compare on the published LIDC folds: make bench-model CROPS=FOLDER, an hour and a half, 9 GB
	$(BIN)/python -W ignore -m benchmarks.lidc --crops "$(CROPS)" -o out/lidc --repeats 0 1 2 --views 10 --jobs 2

bench-ceiling: $(VENV)/.dev ## how far the label lets a score come, where readers waver: make bench-ceiling CROPS=FOLDER, minutes
	$(BIN)/python -m benchmarks.ceiling --crops "$(CROPS)"

bench-patient: $(VENV)/.dev ## what age and sex add to the image score: make bench-patient CROPS=FOLDER, a minute
	$(BIN)/python -m benchmarks.patient --crops "$(CROPS)"

bench-readouts: $(VENV)/.dev ## two readouts of stages that never train, in all folds: make bench-readouts CROPS=FOLDER, an hour, 9 GB
	$(BIN)/python -W ignore -m benchmarks.readouts run --crops "$(CROPS)"

bench-stability: $(VENV)/.dev ## how steady the scores of validation nodules are: docs/records/stability.md
	$(BIN)/python -m benchmarks.stability

bench-robustness: $(VENV)/.dev ## how scores hold on noisy, sharp, soft and thick scans: docs/records/robustness.md
	$(BIN)/python -m benchmarks.robustness

bench-likeness: $(VENV)/.dev ## fit and measure what tells nodules from other places: docs/records/likeness.md, calibration.json
	$(BIN)/python -W ignore -m benchmarks.likeness

bench-volume: $(VENV)/.dev ## how good volume and axes are on validation nodules: docs/records/volume.md
	$(BIN)/python -m benchmarks.volume measure
	$(BIN)/python -m benchmarks.volume page

bench-explain: $(VENV)/.bench ## measure explanations of the score on masks: make bench-explain CROPS=FOLDER, hours; goes on where it was
	$(BIN)/python -m benchmarks.explain --crops "$(CROPS)" -o out/explain

bench-engines: $(VENV)/.dev ## the network and the whole command by each engine: docs/records/engines.md, minutes
	$(BIN)/python -W ignore -m benchmarks.engines --page

bench-fl: $(VENV)/.dev ## hospitals that train together, alone and pooled: make bench-fl CROPS=FOLDER SEEDS=3
	$(BIN)/python -W ignore -m benchmarks.federated --crops "$(CROPS)" -o out/federated --seeds $(or $(SEEDS),1)

bench-finetune: $(VENV)/.dev ## what fine-tuning gains at a new hospital: make bench-finetune CROPS=FOLDER, hours
	$(BIN)/python -W ignore -m benchmarks.finetune --crops "$(CROPS)" -o out/finetune --seeds $(or $(SEEDS),3)

bench-scale: $(VENV)-ray/.ray ## thousands of cases, serial, in shards, on Ray, killed: make bench-scale CASES=10000; goes on where it was
	OMP_NUM_THREADS=1 $(VENV)-ray/bin/python -m benchmarks.scale --cases $(or $(CASES),10000) -o out/scale

test-ray: $(VENV)-ray/.ray ## scoring on Ray, tables and results as Parquet, in an environment of its own
	OMP_NUM_THREADS=1 $(VENV)-ray/bin/python -m pytest -q tests/ray tests/pipeline/scoring/test_cases.py tests/pipeline/results/test_part_files.py

test-fl: $(VENV)-fl/.fl ## NVFlare's simulator, in an environment of its own
	OMP_NUM_THREADS=1 $(VENV)-fl/bin/python -m pytest -q tests/pipeline/federated

test-deploy: $(VENV)-deploy/.deploy ## MONAI Deploy's SDK (Linux, 2 GB), in an environment of its own
	NODULUS_REQUIRE_DEPLOY=1 OMP_NUM_THREADS=1 $(VENV)-deploy/bin/python -m pytest -q tests/deploy

bench-listen: $(VENV)/.dev ## a load on the listener, with kills (Debian: orthanc orthanc-dicomweb): make bench-listen STUDIES=1000
	$(BIN)/python -W ignore -m tests.load --studies $(or $(STUDIES),1000)

fuzz-listen: $(VENV)/.dev ## 10 000 hostile objects, 1 000 over the network, 1 000 units of the protocol
	$(BIN)/python -W ignore -m tests.load --hostile 10000

detector-phantom: $(VENV)/.dev ## train MONAI's detector on phantoms and try it on others: docs/records/detector.md, minutes
	$(BIN)/python -W ignore -m tests.trained_detector -o out/detector

flag-rates: $(VENV)/.dev ## how often nodules and other places are flagged: a table, and out/flag_rates.json
	$(BIN)/python -m benchmarks.release.flag_rates

model-card: $(VENV)/.dev ## write the model card and the bundle's page from their records
	$(BIN)/python -m benchmarks.release.model_card

schema: $(VENV)/.dev ## write what is generated from the code: docs/reference
	$(BIN)/python -m benchmarks.release.reference

wheel: $(VENV)/.dev ## sdist and wheel into dist/
	$(BIN)/python -m build --no-isolation

container: ## an image with nodulus and its bundle
	$(ENGINE) build -t nodulus -f Containerfile --build-arg TORCH_INDEX="$(TORCH_INDEX)" .

clean: ## remove what was made
	rm -rf $(VENV) build dist out *.egg-info

# torch first, by itself: its index, where one is named, has nothing else that is needed.
$(VENV)/.torch: constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --upgrade pip
	$(if $(TORCH_INDEX),PIP_INDEX_URL="$(TORCH_INDEX)" )$(PIP) install -c constraints.txt torch
	@touch $@

$(VENV)/.demo: $(VENV)/.torch pyproject.toml
	$(PIP) install -c constraints.txt -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.demo pyproject.toml
	$(PIP) install -c constraints.txt -e ".[dev]"
	@touch $@

# The built viewer, some 200 MB, as npm ships it.
$(VENV)/.ohif: Makefile
	mkdir -p $(VENV)/ohif
	cd $(VENV)/ohif && npm pack --silent @ohif/app@3.13.2 && tar xzf ohif-app-3.13.2.tgz && rm ohif-app-3.13.2.tgz
	@touch $@

$(VENV)/.bench: $(VENV)/.dev pyproject.toml
	$(PIP) install -c constraints.txt -e ".[bench]"
	@touch $@

$(VENV)-fl/.fl: constraints.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)-fl
	PYTHONWARNINGS=ignore $(VENV)-fl/bin/python -m pip install -qq --disable-pip-version-check -c constraints.txt torch
	PYTHONWARNINGS=ignore $(VENV)-fl/bin/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e ".[fl,test]"
	@touch $@

$(VENV)-ray/.ray: constraints.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)-ray
	PYTHONWARNINGS=ignore $(VENV)-ray/bin/python -m pip install -qq --disable-pip-version-check -c constraints.txt torch
	PYTHONWARNINGS=ignore $(VENV)-ray/bin/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e ".[ray,test]"
	@touch $@

$(VENV)-deploy/.deploy: constraints.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)-deploy
	PYTHONWARNINGS=ignore $(VENV)-deploy/bin/python -m pip install -qq --disable-pip-version-check -c constraints.txt torch
	PYTHONWARNINGS=ignore $(VENV)-deploy/bin/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e ".[deploy,test]"
	@touch $@
