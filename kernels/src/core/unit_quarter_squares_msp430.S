/* floor(n * n / 4) for n = -383..510, the sums and differences of an activation and a weight or of
 * two bytes: how MSP430s without a multiplier multiply. The symbol is at n = 0. Lies in the lower 64 KiB. */
#if defined(__MSP430__) && !defined(UNIT_MSP430_MPY)
    .section .rodata.unit_quarter_squares_msp430,"a",@progbits
    .global unit_quarter_squares_msp430
    .balign 2
    .set n, -383
    .rept 383
    .short n * n / 4
    .set n, n + 1
    .endr
unit_quarter_squares_msp430:
    .rept 511
    .short n * n / 4
    .set n, n + 1
    .endr
#endif
