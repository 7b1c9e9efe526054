SRC_USERMOD_C += $(USERMOD_DIR)/boardmaps_pool.c
