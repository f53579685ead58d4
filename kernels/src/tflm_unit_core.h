/* The core kernels for generated C (docs/export.md), and where its constants and its arena lie. No
 * TensorFlow Lite Micro. */
#ifndef TFLM_UNIT_CORE_H_
#define TFLM_UNIT_CORE_H_

#include "core/unit_functions.h"

/* On the constant arrays of a model. MSP430X's large model reaches FRAM above 64 KiB; the linker
 * script has to place .upper.rodata there. Define it empty, or otherwise, to overrule. */
#ifndef UNIT_CONSTANT
#ifdef __MSP430X_LARGE__
#define UNIT_CONSTANT __attribute__((section(".upper.rodata")))
#else
#define UNIT_CONSTANT
#endif
#endif

/* On the arena: SRAM unless UNIT_ARENA_IN_FRAM asks for MSP430X's upper FRAM. */
#ifndef UNIT_ARENA
#if defined(__MSP430X_LARGE__) && defined(UNIT_ARENA_IN_FRAM)
#define UNIT_ARENA __attribute__((section(".upper.bss")))
#else
#define UNIT_ARENA
#endif
#endif

#endif /* TFLM_UNIT_CORE_H_ */
