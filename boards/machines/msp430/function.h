/* For the assembly files of the MSP430 machines: begins a function, in a section of its own. */
#ifndef UNIT_MSP430_FUNCTION_H_
#define UNIT_MSP430_FUNCTION_H_

/* clang-format off */
    .macro function name
    .section .text.\name,"ax",@progbits
    .global \name
    .type \name,@function
\name:
    .endm
/* clang-format on */

#endif /* UNIT_MSP430_FUNCTION_H_ */
