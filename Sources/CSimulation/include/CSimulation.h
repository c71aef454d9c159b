#ifndef CSIMULATION_H
#define CSIMULATION_H

/// Takes a job that has no executor of its own, for the simulation that drives the calling thread.
typedef void (*simulation_intake)(void *simulation, void *job);

/// Puts the intake in front of the Swift runtime's global executor, once for the whole process.
///
/// Threads that drive no simulation are not affected.
void simulation_install(simulation_intake intake);

/// The simulation that this thread drives from now on; null for none.
void simulation_set_current(void *simulation);

/// The simulation that this thread drives.
void *simulation_current(void);

#endif
