# coldmx. `make help` lists the targets; V=1 shows the commands.
# Variants build side by side, each below build/: rel (default), asan, tsan, clang.

PREFIX   ?= /usr
UNITDIR  ?= /lib/systemd/system
DESTDIR  ?=
CC       ?= gcc
VARIANT  ?= rel
BUILD    ?= build/$(VARIANT)
PYTHON   ?= /usr/bin/python3
FUZZ_S   ?= 5
SIM_S    ?= 30
SIM_SEED ?=
LAB_N    ?= 3

DEPS     := libuv libcares ldns libssh2 libconfig libmicrohttpd openssl sqlite3 jansson libcurl libsystemd
WARN     := -Wall -Wextra -Wformat=2 -Wswitch-enum -Wmissing-prototypes -Wstrict-prototypes -Wcast-qual \
            -Wshadow -Wconversion -Wvla -Wundef -Wwrite-strings -Wpointer-arith -Werror
SAN_rel   :=
SAN_clang :=
SAN_asan  := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
SAN_tsan  := -fsanitize=thread
SAN       := $(SAN_$(VARIANT))
HARDEN    := $(if $(SAN),,-D_FORTIFY_SOURCE=2) -fstack-protector-strong -fPIE
OPT       ?= -O2 -g
ALL_CFLAGS = -std=c17 -D_GNU_SOURCE -pthread $(OPT) $(WARN) $(HARDEN) $(SAN) $(CFLAGS) $(DEP_CFLAGS)
ALL_LDFLAGS = -pthread -pie -Wl,-z,relro,-z,now,--as-needed $(SAN) $(LDFLAGS)
DEP_CFLAGS := $(shell pkg-config --cflags $(DEPS) 2>/dev/null)
LIBS       := $(shell pkg-config --libs $(DEPS))
Q          := $(if $(V),,@)
say         = $(if $(V),,@printf '  %-5s %s\n' $(1) $(2))

src       = $(patsubst %.c,$(BUILD)/%.o,$(wildcard $(addsuffix /*.c,$(1))))
DECIDE   := $(call src,controller/core controller/step controller/engine) $(BUILD)/controller/verb.o
COMMON   := $(call src,common/base common/net common/proto common/dns common/probe common)
CONTROL  := $(filter-out %/main.o,$(call src,controller/real controller/driver controller/store \
            controller/readiness controller/surface controller)) $(DECIDE)
AGENT    := $(filter-out %/main.o,$(call src,agent))
CLI      := $(filter-out %/main.o,$(call src,cli))
# The simulator links what decides, and from common only what has no system in it.
SIM      := $(call src,tests/sim)
SIM_BASE := $(addprefix $(BUILD)/common/,base/err.o base/mem.o base/strbuf.o probe/probe_names.o rights.o)
UNIT     := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/test_*.c))
# These take longer than the gate may (15 minutes on 2 cores): `make lab` runs them, `make lab-long` them alone.
LAB_LONG := test_kill_points.py test_fencing.py test_ledger_faults.py test_ledger_restarts.py
LAB_GATE := $(filter-out $(LAB_LONG),$(notdir $(wildcard tests/lab/test_*.py)))
TOOLS    := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/lab/tools/*.c tests/unit/tool_*.c))
FUZZERS  := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))

.PHONY: all demo check unit unit-host sim sim-mutants fuzz lab lab-gate lab-long lint style asan tsan valgrind clang install uninstall clean \
        help tools FORCE
.DEFAULT_GOAL := all

all: $(BUILD)/coldmxd $(BUILD)/coldmx $(BUILD)/coldmx-agent  ## build the three programs
tools: $(TOOLS)

$(BUILD)/libcommon.a: $(COMMON)
$(BUILD)/libcontroller.a: $(CONTROL)
$(BUILD)/libagent.a: $(AGENT)
$(BUILD)/libcli.a: $(CLI)
%.a:
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

$(BUILD)/coldmxd: $(BUILD)/controller/main.o $(BUILD)/libcontroller.a $(BUILD)/libcommon.a
$(BUILD)/coldmx: $(BUILD)/cli/main.o $(BUILD)/libcli.a $(BUILD)/libcommon.a
$(BUILD)/coldmx-agent: $(BUILD)/agent/main.o $(BUILD)/libagent.a $(BUILD)/libcommon.a
$(BUILD)/coldmxd $(BUILD)/coldmx $(BUILD)/coldmx-agent:
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/sim: $(SIM) $(DECIDE) $(SIM_BASE)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^

$(BUILD)/unit/%: $(BUILD)/tests/unit/%.o $(BUILD)/libcontroller.a $(BUILD)/libagent.a $(BUILD)/libcli.a $(BUILD)/libcommon.a
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS) -lcmocka

$(TOOLS): $(BUILD)/%: $(BUILD)/%.o $(BUILD)/libcontroller.a $(BUILD)/libcommon.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

# One default of a program is a path of its own install: it is compiled anew when PREFIX is another.
$(BUILD)/controller/config_rows.o: ALL_CFLAGS += -DCOLDMX_PREFIX='"$(PREFIX)"'
$(BUILD)/controller/config_rows.o: $(BUILD)/prefix
$(BUILD)/prefix: FORCE
	@mkdir -p $(@D) && { echo '$(PREFIX)' | cmp -s - $@ || echo '$(PREFIX)' >$@; }
FORCE:

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

demo: ## as root: install what it needs, build, and show a real failover
	$(Q)packages/install build lab
	$(Q)$(MAKE) --no-print-directory all
	$(Q)cd tests/lab && PYTHONPATH=. COLDMX_BUILD=$(abspath $(BUILD)) $(PYTHON) -B demo.py

check: ## as root: install what the tests need, run them (of the lab all but the longest)
	$(Q)packages/install build check lab
	$(Q)$(MAKE) --no-print-directory all unit unit-host sim sim-mutants fuzz
	$(Q)$(MAKE) --no-print-directory lab-gate VARIANT=asan

unit: $(UNIT) $(TOOLS) ## unit tests (cmocka)
	$(Q)tests/unit/run $(UNIT)

unit-host: ## what runs on mail hosts, without a machine
	$(Q)tests/unit-host/run

sim: $(BUILD)/sim ## crash at every call, then random schedules
	$(Q)$(BUILD)/sim crash
	$(Q)$(BUILD)/sim random --seconds $(SIM_S) $(if $(SIM_SEED),--seed $(SIM_SEED))

sim-mutants: ## promises broken on purpose: the simulator notices each
	$(Q)tests/sim/mutants/run

fuzz: ## each parser of hostile bytes, FUZZ_S seconds
	$(Q)tests/fuzz/run $(FUZZ_S) $(FUZZERS)

lab: all tools ## the whole lab: real machines, real failovers, LAB_N labs at once (root)
	$(Q)cd tests/lab && COLDMX_BUILD=$(abspath $(BUILD)) $(PYTHON) -B -m pytest -q -p no:cacheprovider \
	  -n $(LAB_N) --dist loadfile --max-worker-restart 0 $(PYTEST)

lab-long: ## the lab's longest tests: ledgers under faults, a controller killed in each of its steps
	$(Q)$(MAKE) --no-print-directory lab PYTEST="$(LAB_LONG) -s"

lab-gate: ## what `check` runs of the lab: all but the longest
	$(Q)$(MAKE) --no-print-directory lab PYTEST="$(LAB_GATE)"

asan: ## unit and sim under address and undefined-behaviour sanitizers
	$(Q)$(MAKE) --no-print-directory VARIANT=asan all unit sim SIM_S=10
tsan: ## unit and sim under the thread sanitizer
	$(Q)$(MAKE) --no-print-directory VARIANT=tsan all unit sim SIM_S=10
clang: ## the second compiler, warnings are errors
	$(Q)$(MAKE) --no-print-directory VARIANT=clang CC=clang all
valgrind: $(UNIT) ## unit tests under memcheck
	$(Q)VALGRIND=1 tests/unit/run $(UNIT)

lint: ## layers, sizes, banned calls, formatters and analysers
	$(Q)tests/style/run

# The files that are installed as they are name their own places below /usr.
PLACES    := /usr/(lib/coldmx|s?bin/coldmx|share/(doc/)?coldmx)
INSTALLED  = $(DESTDIR)$(PREFIX)/lib/coldmx $(DESTDIR)$(PREFIX)/share/coldmx $(DESTDIR)$(PREFIX)/share/doc/coldmx \
             $(patsubst docs/%,$(DESTDIR)$(PREFIX)/share/man/man?/%,$(wildcard docs/*.[58])) \
             $(addprefix $(DESTDIR)$(UNITDIR)/,$(notdir $(wildcard etc/systemd/*.service)))

install: all ## DESTDIR, PREFIX (absolute), UNITDIR
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/lib/coldmx/lib \
	  $(DESTDIR)$(PREFIX)/lib/coldmx/harden.d $(DESTDIR)$(PREFIX)/lib/coldmx/fence $(DESTDIR)$(PREFIX)/share/coldmx/notify $(DESTDIR)$(PREFIX)/share/coldmx/heartbeat \
	  $(DESTDIR)$(PREFIX)/share/coldmx/examples $(DESTDIR)$(UNITDIR) $(DESTDIR)/etc/coldmx \
	  $(DESTDIR)$(PREFIX)/share/doc/coldmx/hooks/power
	install -m 755 $(BUILD)/coldmxd $(DESTDIR)$(PREFIX)/sbin/
	install -m 755 $(BUILD)/coldmx $(BUILD)/coldmx-agent $(DESTDIR)$(PREFIX)/bin/
	install -m 755 hooks/host/coldmx-host hooks/host/coldmx-host-root $(DESTDIR)$(PREFIX)/lib/coldmx/
	install -m 644 $(filter-out %/smtp-say,$(wildcard hooks/host/lib/*)) $(DESTDIR)$(PREFIX)/lib/coldmx/lib/
	install -m 755 hooks/host/lib/smtp-say $(DESTDIR)$(PREFIX)/lib/coldmx/lib/
	install -m 755 hooks/harden.d/[0-9]* $(DESTDIR)$(PREFIX)/lib/coldmx/harden.d/
	install -m 755 hooks/fence/nftables $(DESTDIR)$(PREFIX)/lib/coldmx/fence/
	install -m 755 hooks/notify/* $(DESTDIR)$(PREFIX)/share/coldmx/notify/
	install -m 755 hooks/heartbeat/* $(DESTDIR)$(PREFIX)/share/coldmx/heartbeat/
	cp -r etc/. $(DESTDIR)$(PREFIX)/share/coldmx/examples/
	install -m 644 hooks/host/host.conf.sample $(DESTDIR)$(PREFIX)/share/coldmx/examples/host.conf
	install -m 644 README.md docs/openapi.yaml docs/rights.md docs/maps.md $(DESTDIR)$(PREFIX)/share/doc/coldmx/
	install -m 644 hooks/README.md $(DESTDIR)$(PREFIX)/share/doc/coldmx/hooks/
	install -m 644 hooks/power/README.md $(DESTDIR)$(PREFIX)/share/doc/coldmx/hooks/power/
	install -m 644 $(wildcard etc/systemd/*.service etc/systemd/*.path) $(DESTDIR)$(UNITDIR)/
	for page in $(wildcard docs/*.[58]); do s=$${page##*.}; \
	  install -d $(DESTDIR)$(PREFIX)/share/man/man$$s && \
	  install -m 644 $$page $(DESTDIR)$(PREFIX)/share/man/man$$s/ || exit 1; done
ifneq ($(PREFIX),/usr)
	find $(INSTALLED) -type f -exec sed -i -E 's,$(PLACES),$(PREFIX)/\1,g' {} +
endif

uninstall: ## DESTDIR, PREFIX, UNITDIR as at install: the gates first; configuration and state stay
	$(Q)DESTDIR=$(DESTDIR) PREFIX=$(PREFIX) UNITDIR=$(UNITDIR) packages/uninstall

clean: ## remove what was built
	rm -rf build

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 14

# object files of tests are kept: they are linked again when a library changes
.SECONDARY:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
