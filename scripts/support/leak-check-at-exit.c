// Lets Address Sanitizer look for leaks in a program that ends by `_exit`, as `migrate` always does: the sanitizer itself looks in
// an exit handler, which `_exit` leaves out. scripts/sanitize loads it.
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

// Absent in programs that are not sanitized, such as `env`. Ends the process with the sanitizer's status if it finds a leak.
void __lsan_do_leak_check(void) __attribute__((weak));

// Several, since a pointer to the last one may stay in a register or on the stack.
static __attribute__((noinline)) void leak_on_purpose(void) {
    for (int count = 0; count < 10; count++) {
        void *volatile lost = malloc(100);
        (void)lost;
    }
}

// The sanitizer has an `_exit` of its own in the program, which ends by calling this one.
void _exit(int status) {
    // For scripts/sanitize, to show that a leak is found.
    if (getenv("LEAK_ON_PURPOSE")) leak_on_purpose();
    if (__lsan_do_leak_check) __lsan_do_leak_check();
    for (;;) syscall(SYS_exit_group, status);
}
