#pragma once
#include <stddef.h>

/// One file of `sql/`, embedded byte for byte when the binary is built.
struct tracking_sql_file {
    const char *name;
    const unsigned char *text;
    size_t length;
};

/// The files in the order in which they must be applied, and how many there are.
extern const struct tracking_sql_file tracking_sql_files[];
extern const size_t tracking_sql_file_count;

/// The same by index, because Swift does not import an array of unknown length.
static inline struct tracking_sql_file tracking_sql_file_at(size_t index) { return tracking_sql_files[index]; }

/// The files of `sql/sqlite/`, likewise.
extern const struct tracking_sql_file sqlite_sql_files[];
extern const size_t sqlite_sql_file_count;

static inline struct tracking_sql_file sqlite_sql_file_at(size_t index) { return sqlite_sql_files[index]; }
