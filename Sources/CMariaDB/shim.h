#pragma once
#if !__has_include(<mysql.h>)
#error "mysql.h is missing: install the package libmariadb-dev (apt-get install libmariadb-dev)"
#else
#include <mysql.h>
#include <errmsg.h>
#include <mysqld_error.h>
#endif
