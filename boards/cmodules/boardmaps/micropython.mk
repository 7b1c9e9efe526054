SRC_USERMOD_C += $(addprefix $(USERMOD_DIR)/, module.c kernel.c slots.c parts.c fields.c base.c stdio.c hash.c array.c queue.c ring.c series.c percpu.c lpm.c bloom.c check.c frame.c line.c)

# Ports build for size; these few kilobytes are there for speed.
$(BUILD)/$(notdir $(USERMOD_DIR))/%.o: CFLAGS += -O2
