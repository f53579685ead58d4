/* What firmware asks of the machine it runs on. Every folder beside this file implements it. */
#ifndef UNIT_MACHINE_H_
#define UNIT_MACHINE_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Writes to the console: simulator output or serial port. */
void unit_machine_write(const char *data, size_t size);

/* Ends a simulation with this status (0: success); stops the CPU elsewhere. */
void unit_machine_exit(int status);

/* Marks a point in time: simulators report the cycles or instructions from one mark to the next,
 * what the marks themselves cost excluded. Does nothing on hardware. */
void unit_machine_mark(void);

/* Milliseconds since reset, in simulators of simulated time. */
uint32_t unit_machine_millis(void);

/* The deepest use of the stack since reset, in bytes. */
size_t unit_machine_stack_used(void);

#ifdef __cplusplus
}
#endif

#endif /* UNIT_MACHINE_H_ */
