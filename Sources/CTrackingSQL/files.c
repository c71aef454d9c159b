#include "CTrackingSQL.h"

// `sql/` is the single source: the compiler embeds the files themselves. A file that is added there is added here too,
// in two places; a test compares this list with the folder.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char older[] = {
#embed "../../sql/000_older.sql"
};
static const unsigned char tables[] = {
#embed "../../sql/001_tables.sql"
};
static const unsigned char helpers[] = {
#embed "../../sql/002_helpers.sql"
};
static const unsigned char planning[] = {
#embed "../../sql/003_planning.sql"
};
static const unsigned char work[] = {
#embed "../../sql/004_work.sql"
};
static const unsigned char operation[] = {
#embed "../../sql/005_operation.sql"
};
static const unsigned char requeue[] = {
#embed "../../sql/006_requeue.sql"
};
static const unsigned char quota[] = {
#embed "../../sql/007_quota.sql"
};
static const unsigned char lists[] = {
#embed "../../sql/008_lists.sql"
};
static const unsigned char repair[] = {
#embed "../../sql/009_repair.sql"
};
static const unsigned char retention[] = {
#embed "../../sql/010_retention.sql"
};
static const unsigned char views[] = {
#embed "../../sql/011_views.sql"
};
static const unsigned char access[] = {
#embed "../../sql/012_access.sql"
};

#define FILE_ENTRY(name, text) { name, text, sizeof(text) }
const struct tracking_sql_file tracking_sql_files[] = {
    FILE_ENTRY("000_older.sql", older),
    FILE_ENTRY("001_tables.sql", tables),
    FILE_ENTRY("002_helpers.sql", helpers),
    FILE_ENTRY("003_planning.sql", planning),
    FILE_ENTRY("004_work.sql", work),
    FILE_ENTRY("005_operation.sql", operation),
    FILE_ENTRY("006_requeue.sql", requeue),
    FILE_ENTRY("007_quota.sql", quota),
    FILE_ENTRY("008_lists.sql", lists),
    FILE_ENTRY("009_repair.sql", repair),
    FILE_ENTRY("010_retention.sql", retention),
    FILE_ENTRY("011_views.sql", views),
    FILE_ENTRY("012_access.sql", access),
};
const size_t tracking_sql_file_count = sizeof(tracking_sql_files) / sizeof(tracking_sql_files[0]);

// The same for the tracking file: `sql/sqlite/`.
static const unsigned char sqlite_tables[] = {
#embed "../../sql/sqlite/001_tables.sql"
};
static const unsigned char sqlite_shared[] = {
#embed "../../sql/sqlite/002_shared.sql"
};
static const unsigned char sqlite_planning[] = {
#embed "../../sql/sqlite/003_planning.sql"
};
static const unsigned char sqlite_work[] = {
#embed "../../sql/sqlite/004_work.sql"
};
static const unsigned char sqlite_operation[] = {
#embed "../../sql/sqlite/005_operation.sql"
};
static const unsigned char sqlite_requeue[] = {
#embed "../../sql/sqlite/006_requeue.sql"
};
static const unsigned char sqlite_quota[] = {
#embed "../../sql/sqlite/007_quota.sql"
};
static const unsigned char sqlite_lists[] = {
#embed "../../sql/sqlite/008_lists.sql"
};

const struct tracking_sql_file sqlite_sql_files[] = {
    FILE_ENTRY("001_tables.sql", sqlite_tables),
    FILE_ENTRY("002_shared.sql", sqlite_shared),
    FILE_ENTRY("003_planning.sql", sqlite_planning),
    FILE_ENTRY("004_work.sql", sqlite_work),
    FILE_ENTRY("005_operation.sql", sqlite_operation),
    FILE_ENTRY("006_requeue.sql", sqlite_requeue),
    FILE_ENTRY("007_quota.sql", sqlite_quota),
    FILE_ENTRY("008_lists.sql", sqlite_lists),
};
const size_t sqlite_sql_file_count = sizeof(sqlite_sql_files) / sizeof(sqlite_sql_files[0]);
