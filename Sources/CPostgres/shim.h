#pragma once
#if !__has_include(<libpq-fe.h>)
#error "libpq-fe.h is missing: install the package libpq-dev (apt-get install libpq-dev)"
#else
#include <libpq-fe.h>
#endif
