# xmpp.h: the header needs no build. This builds the command-line tool and the examples, and tests.
#   make              build/xmpp (the tool) and build/NAME for each program in examples/
#   make demo         two devices log in to a throw-away server and talk; installs what is missing
#   make check        every test; installs what is missing; the last line is "N passed, N failed"
#   make fleet        2,000 devices in one process against a throw-away server, its figures: three minutes
#   make faults       every transcript with a fault at every place: ten minutes; make check has a sample, by FAULT_SEED
#   make soak         a device on links that break and servers that die: 15 minutes; SEED=n: that seed alone
#   make firmware     images of microcontrollers log in under QEMU: two minutes; also a part of make check
#   make mutants      takes each defence against an attack out, and expects a red test: ten minutes; PARTS="T4 T5.1"
#   make ports        tests on other machines: byte orders, 16-bit int, musl, Windows; HOSTS="avr mingw": those alone
#   make bench        what it costs beside its peers: five minutes; PARTS="xml path": some of it; PARTS=readme: all of it,
#                     and writes the README's figures and picture
#   make fuzz         each target of tests/fuzz for FUZZ_SECONDS=60 seconds with libFuzzer; TARGETS="client xml": those alone
#   make coverage     lines and branches that the tests reach; build/coverage/index.html: two minutes
#   make lint         clang-tidy, clang's and gcc's analyzers, cppcheck: two minutes
#   make proof        every short input, and Frama-C over the functions that measure: three minutes; DEPTH=6: longer ones
#   make size         flash, RAM and stack on microcontrollers
#   make install      PREFIX=/usr/local DESTDIR=

PREFIX  ?= /usr/local
CFLAGS  ?= -O2 -g
WARN     = -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wcast-align \
           -Wcast-qual -Wundef -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wswitch-enum \
           -Wwrite-strings -Wformat=2
SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
HEADERS := $(wildcard xmpp.h xmpp_tls_bearssl.h)
VERSION  = $(shell sed -n 's/^\#define XMPP_VERSION  *"\(.*\)".*/\1/p' xmpp.h)

# examples/NAME.c is the program build/NAME; xmpp_tool.c is build/xmpp; xmpp.c is the header as a
# translation unit, in an archive, so that only those programs take it that do not implement it
# themselves. mcu.c is compiled by tests/compile: it has no board to be linked with.
EXAMPLES := $(patsubst examples/%.c,build/%,$(filter-out examples/xmpp.c examples/xmpp_tool.c examples/mcu.c,\
              $(wildcard examples/*.c)))
UNIT     := $(patsubst tests/%.c,%,$(wildcard tests/unit/test_*.c))
SESSIONS := $(patsubst tests/%.c,%,$(wildcard tests/sessions/*.c))
TESTS    := $(UNIT) $(SESSIONS)
# Each tests/fuzz/NAME.c is a target; tests/fuzz/each/NAME.c is a part of it for each level of XMPP_CFG_FAST.
FUZZ     := $(patsubst tests/fuzz/%.c,%,$(filter-out tests/fuzz/main.c,$(wildcard tests/fuzz/*.c)))
TARGETS  ?= $(FUZZ)
LEVELS    = $(if $(wildcard tests/fuzz/each/$*.c),$(addprefix $(1)/$*_,0.o 1.o 2.o 3.o))
FUZZDEPS := $(HEADERS) $(wildcard tests/fuzz/*.h tests/fuzz/each/*.h)
TESTDEPS := $(wildcard tests/unit/*.h tests/sessions/*.h) tests/sessions/run.c    # the grid of faults is built on the last

# compile in parallel unless -j was given
JOBS     = $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc 2>/dev/null || echo 2))

.PHONY: all setup demo check faults fleet soak size clean install tests asan check-compile check-requirements check-unit \
        check-sessions check-faults check-ct check-asan check-valgrind check-fuzz check-interop check-tls check-firmware check-size check-bench check-proof firmware ports bench fuzz replay coverage mutants lint proof

all: build/xmpp $(EXAMPLES)

build/xmpp: examples/xmpp_tool.c build/libxmpp.a $(HEADERS)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(WARN) -I. -o $@ $< build/libxmpp.a $(LDFLAGS) -lbearssl

$(EXAMPLES): build/%: examples/%.c examples/put.h build/libxmpp.a $(HEADERS)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(WARN) -I. -o $@ $< build/libxmpp.a $(LDFLAGS) -lbearssl

build/libxmpp.a: examples/xmpp.c $(HEADERS)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(WARN) -I. -c -o build/xmpp.o $<
	@rm -f $@
	@$(AR) rc $@ build/xmpp.o

build/soak/device: tests/soak/device.c $(HEADERS)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(WARN) -I. -o $@ $< $(LDFLAGS) -lbearssl

setup:
	@CC="$(CC)" sh tests/setup.sh check

demo:
	@CC="$(CC)" sh tests/setup.sh demo
	@$(MAKE) -s --no-print-directory $(JOBS) build/xmpp build/presence_sensor
	@/usr/bin/python3 tests/demo.py

soak:
	@CC="$(CC)" sh tests/setup.sh check
	@$(MAKE) -s --no-print-directory build/soak/device
	@/usr/bin/python3 tests/soak/soak.py $(PARTS)

fleet:
	@CC="$(CC)" sh tests/setup.sh check
	@$(MAKE) -s --no-print-directory $(JOBS) build/fleet
	@/usr/bin/python3 tests/interop/fleet.py

# A test that does not compile counts as failed, therefore -k.
check:
	@CC="$(CC)" sh tests/setup.sh check
	@rm -rf build/results
	@$(MAKE) -s -k --no-print-directory $(JOBS) all build/soak/device tests asan replay || true
	@# in two rows at once: those that unpack BearSSL's source are in one
	@CC="$(CC)" sh tests/check.sh valgrind size firmware tls & row=$$!; \
	 CC="$(CC)" sh tests/check.sh compile requirements unit sessions faults ct asan fuzz proof bench interop; a=$$?; \
	 wait $$row; b=$$?; sh tests/check.sh total && [ $$a$$b = 00 ]

tests: $(TESTS:%=build/%)
asan: $(TESTS:%=build/asan/%) build/asan/proof/exhaustive

$(TESTS:%=build/%): build/%: tests/%.c $(HEADERS) $(TESTDEPS)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -std=gnu99 -O1 -g -Wall -Wextra -pthread -I. -o $@ $< $(LDFLAGS) -lcmocka -lbearssl

$(TESTS:%=build/asan/%) build/asan/proof/exhaustive: build/asan/%: tests/%.c $(HEADERS) $(TESTDEPS)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -std=gnu99 -O1 -g $(SANITIZE) -pthread -I. -o $@ $< $(LDFLAGS) -lcmocka -lbearssl

# The targets by libFuzzer, and for replaying their corpora: with main.c, by whatever compiler there is. Of the levels one
# alone guides the fuzzer: what is covered in it is covered in all.
fuzz:
	@CC="$(CC)" sh tests/setup.sh fuzz
	@$(MAKE) -s --no-print-directory $(JOBS) $(TARGETS:%=build/fuzz/%)
	@sh tests/fuzz/run.sh $(TARGETS)
replay: $(FUZZ:%=build/asan/fuzz/%)

FUZZ_CC  = clang -std=gnu99 -O1 -g -Wall -Wextra -Wshadow $(SANITIZE) -I.
PARTS_OF := $(foreach t,$(patsubst tests/fuzz/each/%.c,%,$(wildcard tests/fuzz/each/*.c)),$(t)_0.o $(t)_1.o $(t)_2.o $(t)_3.o)
# of NAME_LEVEL.o
part     = tests/fuzz/each/$(firstword $(subst _, ,$(@F))).c
level    = $(lastword $(subst _, ,$(basename $(@F))))

.SECONDEXPANSION:
$(PARTS_OF:%=build/fuzz/%): $$(part) $(FUZZDEPS)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(if $(filter 2,$(level)),-fsanitize=fuzzer-no-link) -DLEVEL=$(level) -c -o $@ $<

$(PARTS_OF:%=build/asan/fuzz/%): $$(part) $(FUZZDEPS)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -std=gnu99 -O1 -g $(SANITIZE) -I. -DLEVEL=$(level) -c -o $@ $<

$(FUZZ:%=build/fuzz/%): build/fuzz/%: tests/fuzz/%.c $$(call LEVELS,build/fuzz) $(FUZZDEPS)
	@mkdir -p $(@D)
	$(FUZZ_CC) -fsanitize=fuzzer -o $@ $< $(call LEVELS,build/fuzz) $(LDFLAGS) -lexpat -lbearssl

$(FUZZ:%=build/asan/fuzz/%): build/asan/fuzz/%: tests/fuzz/%.c tests/fuzz/main.c $$(call LEVELS,build/asan/fuzz) $(FUZZDEPS)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -std=gnu99 -O1 -g $(SANITIZE) -I. -o $@ $< tests/fuzz/main.c $(call LEVELS,build/asan/fuzz) $(LDFLAGS) \
	    -lexpat -lbearssl

check-unit check-sessions check-valgrind: tests
check-fuzz: replay
check-asan check-proof: asan
check-faults: tests asan
check-interop: all build/soak/device
check-firmware: build/xmpp
check-compile check-requirements check-unit check-sessions check-faults check-ct check-asan check-valgrind check-proof check-fuzz check-interop check-tls check-firmware \
check-size check-bench:
	@CC="$(CC)" sh tests/check.sh $(@:check-%=%)

# The whole grid, half of the transcripts in each of two processes.
faults:
	@CC="$(CC)" sh tests/setup.sh check
	@$(MAKE) -s --no-print-directory build/sessions/faults
	@sh tests/sessions/faults.sh

# A machine that may not install prints "skipped" for what is not there.
ports:
	-@CC="$(CC)" sh tests/setup.sh ports
	@bash tests/ports/run.sh $(HOSTS)

mutants:
	@CC="$(CC)" sh tests/setup.sh mutants
	@CC="$(CC)" /usr/bin/python3 tests/mutants/run.py $(PARTS)

# As for ports: peers that are not there are left out, and said so.
bench:
	-@CC="$(CC)" sh tests/setup.sh bench
	@CC="$(CC)" /usr/bin/python3 tests/bench/run.py $(PARTS)

coverage:
	@CC="$(CC)" sh tests/setup.sh coverage
	@/usr/bin/python3 tests/coverage/run.py

lint:
	@CC="$(CC)" sh tests/setup.sh lint
	@/usr/bin/python3 tests/lint/lint.py

proof:
	@CC="$(CC)" sh tests/setup.sh proof
	@$(MAKE) -s --no-print-directory build/asan/proof/exhaustive
	@DEPTH=$(DEPTH) sh tests/proof/run.sh

firmware:
	@CC="$(CC)" sh tests/setup.sh check
	@$(MAKE) -s --no-print-directory $(JOBS) build/xmpp
	@/usr/bin/python3 tests/firmware/run.py $(PARTS)

size:
	@CC="$(CC)" sh tests/setup.sh size
	@sh tests/size.sh

clean:
	rm -rf build

install: build/xmpp
	install -d $(DESTDIR)$(PREFIX)/include $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/pkgconfig
	install -m 644 $(HEADERS) $(DESTDIR)$(PREFIX)/include
	install -m 755 build/xmpp $(DESTDIR)$(PREFIX)/bin/xmpp
	printf '%s\n' 'prefix=$(PREFIX)' 'includedir=$${prefix}/include' '' 'Name: xmpp.h' \
	    'Description: single-header XMPP client' 'Version: $(VERSION)' 'Cflags: -I$${includedir}' \
	    'Libs:' >build/xmpp.h.pc
	install -m 644 build/xmpp.h.pc $(DESTDIR)$(PREFIX)/share/pkgconfig/xmpp.h.pc
