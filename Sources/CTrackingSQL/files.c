#include "CTrackingSQL.h"

// `sql/` is the single source: the compiler embeds the files themselves. A file that is added there is added here too,
// in two places; a test compares this list with the folder.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char tables[] = {
#embed "../../sql/001_tables.sql"
};

#define FILE_ENTRY(name, text) { name, text, sizeof(text) }
const struct tracking_sql_file tracking_sql_files[] = {
    FILE_ENTRY("001_tables.sql", tables),
};
const size_t tracking_sql_file_count = sizeof(tracking_sql_files) / sizeof(tracking_sql_files[0]);
