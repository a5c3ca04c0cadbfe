// The module is a header; the package manager wants a source file.
#include "CZlib.h"
