/* What the parts of msp430_loops.c share. */
#ifndef MSP430_LOOPS_H_
#define MSP430_LOOPS_H_

#include <string.h>

#include "core/unit_output.h"
#include "unit_machine.h"

#define COUNT 40

#ifdef __MSP430X_LARGE__
#define FAR __attribute__((section(".upper.bss")))
#else
#define FAR
#endif

/* In the large model a caller may keep 20 bits in R4-R10: `preserving` calls `preserved` with the
 * arguments in R12-R15 and notes in `damaged` if one of them comes back changed. */
#ifdef __MSP430X_LARGE__
extern void (*preserved)(void);
extern int damaged;
void preserving(void);
#define CALL(function) (preserved = (void (*)(void))function, (__typeof__(&function))preserving)
#else
#define CALL(function) function
#endif

extern int8_t input[COUNT];
extern int32_t want[COUNT], got[COUNT];

/* xorshift32 */
uint32_t random_bits(void);
int16_t random_below(int16_t limit);
/* All magnitudes, the largest ones often. */
int8_t random_s8(void);
/* Fills `want` and `got` alike. */
void random_sums(void);

/* Prints the name where a and b differ. */
void check(const char *name, const void *a, const void *b, size_t size);

/* offset: that of the inputs. */
void check_store(int16_t offset);
void check_largest_sums(void);
void check_plan(int16_t offset);

#endif /* MSP430_LOOPS_H_ */
