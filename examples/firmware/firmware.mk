# firmware.mk: what the Makefiles of the images share. They set
#   IMAGE CORE CROSS CPU HZ   name; name of BearSSL's build; compiler's prefix; its flags; ticks of the clock in a second
#   FLASH RAM STACK SOURCES   base,size of each; bytes of stack; the image's own files
#   BEARSSL_FLAGS SPECS       compiler's flags for BearSSL; its C library
# and a caller may set
#   CONFIG=DIR    where device_config.h (and anchors.h) are; default: here
#   OUT=DIR       where everything built goes
#   DEFINES=      more -D, as -DDEVICE_ARENA=768 or -DXMPP_CFG_SLICE=16
#   EMULATED=1    for QEMU: console, time and random numbers by semihosting. Otherwise name your own file: BOARD_SOURCES=
#   WATCHDOG=1    for QEMU: see board/emulator_watchdog.c
#   BEARSSL=DIR LIBRARY=FILE  BearSSL's source folder and libbearssl.a; default: both by tests/firmware/sources.sh
FIRMWARE := $(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))
TOP      := $(abspath $(FIRMWARE)/../..)
CONFIG   ?= .
OUT      ?= $(TOP)/build/firmware/$(IMAGE)
BEARSSL  ?= $(TOP)/build/src/bearssl
LIBRARY  ?= $(TOP)/build/bearssl/$(CORE)/libbearssl.a

ifeq ($(EMULATED),1)
BOARD_SOURCES := $(FIRMWARE)/board/emulator.c
override DEFINES += -DBOARD_IS_EMULATED
ifeq ($(WATCHDOG),1)
BOARD_SOURCES += $(FIRMWARE)/board/emulator_watchdog.c
WRAPPED := xmpp_step xmpp_next br_ssl_client_reset $(addprefix br_ssl_engine_,recvrec_ack sendrec_ack recvapp_ack sendapp_ack \
           flush close inject_entropy)
endif
else ifeq ($(BOARD_SOURCES),)
$(error EMULATED=1 builds for QEMU. For silicon write the second half of board/board.h, and name the file: BOARD_SOURCES=my_board.c)
endif

WARN     := -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wcast-align -Wcast-qual -Wundef -Wvla \
            -Wstrict-prototypes -Wmissing-prototypes -Wswitch-enum -Wwrite-strings -Wformat=2
FLAGS    := $(CPU) -std=gnu99 -Os -g -ffunction-sections -fdata-sections $(WARN) -DBOARD_HZ=$(HZ)u $(DEFINES) \
            -I$(TOP) -I$(FIRMWARE) -I$(FIRMWARE)/board $(INCLUDES) -isystem $(BEARSSL)/inc
first     = $(firstword $(subst $(comma), ,$(1)))
second    = $(lastword $(subst $(comma), ,$(1)))
comma    := ,
LINK     := $(CPU) -nostartfiles -Wl,--gc-sections,--no-warn-rwx-segments -T $(FIRMWARE)/board/firmware.ld \
            -Wl,--defsym=flash_base=$(call first,$(FLASH)),--defsym=flash_size=$(call second,$(FLASH)) \
            -Wl,--defsym=ram_base=$(call first,$(RAM)),--defsym=ram_size=$(call second,$(RAM)),--defsym=stack_size=$(STACK) \
            $(WRAPPED:%=-Wl,--wrap=%)

APP      ?= $(FIRMWARE)/device.c $(FIRMWARE)/xmpp_tls.c
ALL      := $(APP) $(FIRMWARE)/board/start.c $(BOARD_SOURCES) $(SOURCES)
OBJECTS  := $(addprefix $(OUT)/,$(notdir $(ALL:.c=.o)))
VPATH    := $(sort $(dir $(ALL)) $(EXTRA_VPATH))
ELF      := $(OUT)/$(IMAGE).elf

$(ELF): $(OBJECTS) $(LIBRARY) $(FIRMWARE)/board/firmware.ld
	$(CROSS)gcc $(LINK) -Wl,-Map=$(OUT)/$(IMAGE).map -o $@ $(OBJECTS) $(LIBRARY) $(SPECS)
	@$(CROSS)size $@

# Everything again when a header or the flags change: it takes seconds. Of the configuration the first source alone knows.
$(OBJECTS): $(wildcard $(TOP)/*.h $(FIRMWARE)/*.h $(FIRMWARE)/board/*.h *.h) $(OUT)/flags $(LIBRARY)
CONFIGURED := $(OUT)/$(notdir $(patsubst %.c,%.o,$(firstword $(APP))))
$(CONFIGURED): $(wildcard $(CONFIG)/*.h) $(OUT)/config
$(CONFIGURED): private FLAGS += -isystem $(CONFIG)
$(OUT)/%.o: %.c
	$(CROSS)gcc $(FLAGS) $(SPECS) -c -o $@ $<
$(OUT)/flags: now = $(FLAGS) $(LINK)
$(OUT)/config: now = $(CONFIG)
$(OUT)/flags $(OUT)/config: FORCE
	@mkdir -p $(OUT)
	@echo '$(now)' | cmp -s - $@ || echo '$(now)' >$@
$(LIBRARY):
	sh $(TOP)/tests/firmware/sources.sh get
	sh $(TOP)/tests/firmware/sources.sh bearssl $(CORE) $(CROSS)gcc -Os $(BEARSSL_FLAGS)
library: $(LIBRARY)
clean:
	rm -rf $(OUT)
FORCE:
.PHONY: FORCE clean library
