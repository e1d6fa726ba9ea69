# coldmx: plain make. `make help` lists the targets; V=1 shows the commands.
# Variants build side by side: BUILD=build/rel (default), build/asan, build/tsan.

PREFIX   ?= /usr
DESTDIR  ?=
CC       ?= gcc
BUILD    ?= build/rel
SAN      ?=
WERROR   ?= 1

DEPS     := libuv libcares libldns libssh2 libconfig libmicrohttpd openssl sqlite3 jansson libcurl libsystemd
WARN     := -Wall -Wextra -Wformat=2 -Wswitch-enum -Wmissing-prototypes -Wstrict-prototypes -Wcast-qual \
            -Wshadow -Wconversion -Wvla -Wundef -Wwrite-strings -Wpointer-arith $(if $(WERROR),-Werror)
HARDEN   := $(if $(SAN),,-D_FORTIFY_SOURCE=2) -fstack-protector-strong -fPIE
CFLAGS   ?= -O2 -g
ALL_CFLAGS = -std=c17 -D_GNU_SOURCE -pthread $(CFLAGS) $(WARN) $(HARDEN) $(SAN) $(shell pkg-config --cflags $(DEPS))
ALL_LDFLAGS = -pthread -pie -Wl,-z,relro,-z,now $(SAN) $(LDFLAGS)
LIBS      = $(shell pkg-config --libs $(DEPS))
LIBS_SIM  =
Q        := $(if $(V),,@)
say       = $(if $(V),,@echo "  $(1)" $(2))

src       = $(patsubst %.c,$(BUILD)/%.o,$(wildcard $(addsuffix /*.c,$(1))))

COMMON   := $(call src,common/base common/net common/proto common/probe common)
DECIDE   := $(call src,controller/core controller/step controller/engine) $(BUILD)/controller/verb.o
CONTROL  := $(call src,controller/real controller/driver controller/store controller/readiness controller/surface) $(BUILD)/controller/config.o
AGENT    := $(call src,agent)
CLI      := $(call src,cli)
# The simulator links what decides and nothing that does.
SIM      := $(call src,tests/sim)
SIM_BASE := $(addprefix $(BUILD)/common/,base/err.o base/mem.o base/strbuf.o rights.o)

.PHONY: all clean help
all: $(BUILD)/coldmxd $(BUILD)/coldmx $(BUILD)/coldmx-agent

$(BUILD)/coldmxd: $(BUILD)/controller/main.o $(CONTROL) $(DECIDE) $(COMMON)
$(BUILD)/coldmx: $(CLI) $(COMMON)
$(BUILD)/coldmx-agent: $(AGENT) $(COMMON)
$(BUILD)/coldmxd $(BUILD)/coldmx $(BUILD)/coldmx-agent:
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/sim: $(SIM) $(DECIDE) $(SIM_BASE)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

clean:
	rm -rf build

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
