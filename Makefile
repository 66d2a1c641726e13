# make demo, make test; make help tells more.
#
# PYTHON=/path/to/python uses that environment as it is and installs only what it lacks;
# without it, an environment of its own is made in VENV.

VENV ?= .venv
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

ifdef PYTHON
PY := $(PYTHON)
STAMPS := build/installed-$(subst /,-,$(PYTHON))
VENV_PYTHON :=
else
PY := $(VENV)/bin/python
VENV_PYTHON := $(PY)
STAMPS := $(VENV)/installed
endif

ADAFRAME := $(PY) -m adaframe
MODEL := model.safetensors

.PHONY: help demo demo-seeds demo-budgets test clean-demo

help:
	@echo "make demo   renders a small data set, trains on it, measures what was saved, and draws it (in demo/)"
	@echo "make test   the checks and all tests, as the CI runs them"
	@echo "make demo-seeds  the demo under three seeds, with mean and range (50 minutes)"
	@echo "make demo-budgets  the demo trained for several budgets, and one model moved to them (10 minutes)"
	@echo "make clean-demo"
	@echo
	@echo "PYTHON=/path/to/python uses an environment that has torch already; VENV=$(VENV) is made otherwise"

demo: demo/report/table.txt demo/strip.png
	@echo
	@cat demo/report/table.txt
	@echo
	@echo "More: demo/report/ (report and figures), demo/strip.png (what the policy looked at in one clip)"

demo/data/.rendered: | $(STAMPS)-demo
	$(PY) -m adaframe.needle demo/data
	@touch $@

# A run that was stopped goes on; one of an older configuration or of older data starts anew.
define TRAIN
@resume=--resume; \
for input in configs/demo.yaml demo/data/.rendered; do \
  [[ $(@D)/last.ckpt -nt $$input ]] || { rm -rf $(@D); resume=; }; \
done; \
set -x; $(ADAFRAME) train --config configs/demo.yaml --data.root demo/data --data.cache demo/cache --out $(@D)
endef

demo/adaptive/$(MODEL): configs/demo.yaml demo/data/.rendered
	$(TRAIN) $$resume

demo/uniform/$(MODEL): configs/demo.yaml demo/data/.rendered
	$(TRAIN) --policy uniform $$resume

# The table is written under another name first: an evaluation that is stopped half way is not taken for a result.
demo/report/table.txt: demo/adaptive/$(MODEL) demo/uniform/$(MODEL)
	@mkdir -p demo/report
	$(ADAFRAME) evaluate --checkpoint demo/adaptive/$(MODEL) --data.root demo/data --baselines \
	  --against demo/uniform/$(MODEL) --report demo/report > $@.part
	@mv $@.part $@

demo/strip.png: demo/adaptive/$(MODEL)
	@clips=(demo/data/test/*/*.mp4); set -x; $(ADAFRAME) classify "$${clips[0]}" --checkpoint demo/adaptive/$(MODEL) --figure $@

# The demo under several seeds (of data and training), beside baselines trained alone: a plan of about adaptive's cost, as many
# frames at random or where most changed, the glance, and AR-Net's loss, whose weights of the compute are made 260 times as
# large, as the demo's uniform frame is so much cheaper than AR-Net's (and that of the spread so much smaller, as the two are
# multiplied). 16 minutes a seed.
SEEDS ?= 0 1 2
demo-seeds: | $(STAMPS)-demo
	@for seed in $(SEEDS); do \
	  run=demo/seed-$$seed; [[ -e $$run/report/report.json ]] && continue; set -x; \
	  $(PY) -m adaframe.needle $$run/data --seed $$seed; \
	  train="$(ADAFRAME) train --config configs/demo.yaml --seed $$seed --data.root $$run/data --data.cache $$run/cache --resume"; \
	  $$train --out $$run/adaptive; \
	  $$train --out $$run/uniform --policy uniform; \
	  $$train --out $$run/static --policy static:look-112/4; \
	  $$train --out $$run/random --policy random:look-112/4; \
	  $$train --out $$run/change --policy change:look-112/4; \
	  $$train --out $$run/glance --policy glance; \
	  $$train --out $$run/arnet-loss --budget 1 --train.compute fixed --train.fixed_weights '[0.95,13.0,0.0115]'; \
	  $(ADAFRAME) evaluate --checkpoint $$run/adaptive/$(MODEL) --data.root $$run/data --baselines --report $$run/report \
	    --against $$run/{uniform,static,random,change,glance,arnet-loss}/$(MODEL); \
	  set +x; \
	done
	@$(PY) -m adaframe.evaluation.studies.seeds demo/seed-*/report

# The demo's recipe at several budgets, and the model of the largest one moved to each of them at run time.
BUDGETS ?= 0.15 0.3 0.5 0.8
comma := ,
empty :=
demo-budgets: demo/data/.rendered
	@for budget in $(BUDGETS); do \
	  run=demo/budget-$$budget; [[ -e $$run/report/report.json ]] && continue; set -x; \
	  $(ADAFRAME) train --config configs/demo.yaml --budget $$budget --data.root demo/data --data.cache demo/cache \
	    --out $$run --resume; \
	  $(ADAFRAME) evaluate --checkpoint $$run/$(MODEL) --data.root demo/data --report $$run/report; \
	  set +x; \
	done
	$(ADAFRAME) evaluate --checkpoint demo/budget-$(lastword $(BUDGETS))/$(MODEL) --data.root demo/data --report demo/moved \
	  --budget $(subst $(empty) $(empty),$(comma),$(strip $(BUDGETS)))
	@$(PY) -m adaframe.evaluation.studies.budgets --trained $(BUDGETS:%=demo/budget-%/report) --moved demo/moved

test: $(STAMPS)-test
	$(PY) -m ruff check
	$(PY) -m ruff format --check
	$(PY) -m mypy
	$(PY) -m pytest

clean-demo:
	rm -rf demo

# Whether the environment has this checkout (not another one), and all that it requires; pip check is silent about extras.
HAS = $(PY) -c 'import sys, os; sys.path.pop(0); import adaframe; \
  sys.exit(not os.path.samefile(os.path.dirname(adaframe.__file__), "adaframe"))' 2>/dev/null \
  && ! { $(PY) -m pip check 2>/dev/null || true; } | grep -qi '^adaframe '
HAS_TEST = $(PY) -c 'import pytest, pytest_timeout, mypy, sklearn, hatchling, fastapi, uvicorn, websockets, httpx' 2>/dev/null && $(PY) -m ruff --version >/dev/null 2>&1

$(STAMPS)-demo: pyproject.toml | $(VENV_PYTHON)
	@$(HAS) || $(PY) -m pip install -e .
	@mkdir -p $(@D) && touch $@

$(STAMPS)-test: pyproject.toml | $(VENV_PYTHON)
	@{ $(HAS) && $(HAS_TEST); } || $(PY) -m pip install -e '.[test]'
	@mkdir -p $(@D) && touch $@

ifndef PYTHON
$(VENV_PYTHON):
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
	  || { echo "Python 3.10 or later is needed: make PYTHON=/path/to/python …" >&2; exit 1; }
	@python3 -c 'import ensurepip' 2>/dev/null \
	  || { echo "python3 has no venv module; try: sudo apt install python3-venv" >&2; exit 1; }
	python3 -m venv $(VENV)
endif
