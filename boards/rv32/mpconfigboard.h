// The port's configuration, and what boardmaps needs beyond it.
#include "mpconfigport.h"

#define MICROPY_PY_OS_URANDOM (1)
#define MICROPY_PY_OS_INCLUDEFILE "rv32_os.h"
