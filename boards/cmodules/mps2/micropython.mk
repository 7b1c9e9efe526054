# For this one machine: other builds that take the folder of C modules get boardmaps alone.
ifeq ($(QEMU_MACHINE),mps2-an385)
SRC_USERMOD_C += $(USERMOD_DIR)/mps2.c $(USERMOD_DIR)/cmsdk_uart.c $(USERMOD_DIR)/hard_timer.c $(USERMOD_DIR)/fail.c
CFLAGS_USERMOD += -I$(USERMOD_DIR)
endif
