/* Virtual time of the simulated machine. */
#ifndef UNIT_CORTEX_M_CLOCK_H_
#define UNIT_CORTEX_M_CLOCK_H_

#include <stdint.h>

/* Starts the timer that the other functions read. */
void unit_clock_start(void);

/* Ticks of the timer since reset. */
uint64_t unit_clock_ticks(void);

#endif /* UNIT_CORTEX_M_CLOCK_H_ */
