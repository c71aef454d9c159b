#include "CNoICU.h"
#include <stdint.h>

// GRDB imports Foundation, and Foundation brings ICU, of which 34 MB are tables of all languages, dates and currencies. Nothing
// that `migrate` does reads them. A program that is linked statically finds this empty table of ICU's first, and leaves the
// archive's in the archive; ICU then answers that it has no data, as with its own `stubdata`, of which this is the content.
//
// Hidden, so that it stands for nothing where Foundation is a shared library: tests use it, with its tables. The number is
// the version of ICU in the toolchain; with another one the program is larger, and `scripts/release` says so.
struct icu_data_header {
    uint16_t header_size;
    uint8_t magic1, magic2;
    uint16_t info_size, reserved_word;
    uint8_t is_big_endian, charset_family, size_of_uchar, reserved_byte;
    uint8_t data_format[4], format_version[4], data_version[4];
    char padding[8];
    uint32_t count, reserved;
    int32_t nothing[4];
};

__attribute__((visibility("hidden"), aligned(16))) const struct icu_data_header icudt76_dat = {
    .header_size = 32,
    .magic1 = 0xda,
    .magic2 = 0x27,
    .info_size = 20,
    .size_of_uchar = 2,
    .data_format = {'T', 'o', 'C', 'P'},
    .format_version = {1, 0, 0, 0},
};
