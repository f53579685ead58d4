/* Arm's MPS2 boards as QEMU models them: the two clocks that instruction counts come from. */
#ifndef UNIT_MPS2_H_
#define UNIT_MPS2_H_

#ifdef __ARM_ARCH_8M_MAIN__ /* mps2-an505, secure addresses */
#define MPS2_TIMER 0x50000000
#define MPS2_FPGAIO 0x50302000
#define MPS2_HZ 20000000
#else /* mps2-an385, -an386, -an500 */
#define MPS2_TIMER 0x40000000
#define MPS2_FPGAIO 0x40028000
#define MPS2_HZ 25000000
#endif

/* CMSDK timer: 32 bits, counts MPS2_HZ down. */
#define MPS2_TIMER_CTRL (MPS2_TIMER + 0)
#define MPS2_TIMER_VALUE (MPS2_TIMER + 4)
#define MPS2_TIMER_RELOAD (MPS2_TIMER + 8)
/* Counts up 100 times per second. */
#define MPS2_CLK100HZ (MPS2_FPGAIO + 0x14)

#endif /* UNIT_MPS2_H_ */
