#include "CSimulation.h"

#include <stdatomic.h>
#include <stddef.h>

/* `swift_task_enqueueGlobal_hook` is exported by the Swift runtime and not documented: its type is that of
   `swift/Runtime/Concurrency.h`. `Simulation.selfTest` finds out whether it still works. */
#define SWIFT_CALLING __attribute__((swiftcall))

typedef SWIFT_CALLING void (*original_enqueue)(void *job);
extern SWIFT_CALLING void (*swift_task_enqueueGlobal_hook)(void *job, original_enqueue original);

static _Thread_local void *current;
static simulation_intake intake;

static SWIFT_CALLING void route(void *job, original_enqueue original) {
    if (current != NULL) {
        intake(current, job);
    } else {
        original(job);
    }
}

void simulation_install(simulation_intake given) {
    static atomic_flag installed = ATOMIC_FLAG_INIT;
    if (atomic_flag_test_and_set(&installed)) {
        return;
    }
    intake = given;
    atomic_thread_fence(memory_order_seq_cst);
    swift_task_enqueueGlobal_hook = route;
}

void simulation_set_current(void *simulation) { current = simulation; }

void *simulation_current(void) { return current; }
