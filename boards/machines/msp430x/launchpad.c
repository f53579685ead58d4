/* unit_machine.h on the MSP-EXP430FR5994 LaunchPad: 16 MHz from the DCO, 115200 baud on the
 * debugger's serial port (eUSCI_A0, P2.0 and P2.1), time from the 32768 Hz crystal. Nobody ran this
 * on hardware yet.
 *
 * Addresses are those of SLASE54, section "peripheral file map"; bits and the order of steps those
 * of the family's user guide SLAU367. No interrupts: they would disturb the multiplier. */
#include "unit_machine.h"

#ifndef F_CPU
#define F_CPU 16000000L
#endif

/* Assembly knows the registers by their addresses, so that no linker script has to. */
#define REGISTER(name, address) extern volatile uint16_t name __asm__(#address)
#define BYTE_REGISTER(name, address) extern volatile uint8_t name __asm__(#address)
REGISTER(SFRIFG1, 0x0102); /* special functions */
REGISTER(PM5CTL0, 0x0130); /* power management */
REGISTER(FRCTL0, 0x0140);  /* FRAM controller */
REGISTER(CSCTL0, 0x0160);  /* clock system */
BYTE_REGISTER(CSCTL0_H, 0x0161);
REGISTER(CSCTL1, 0x0162);
REGISTER(CSCTL2, 0x0164);
REGISTER(CSCTL3, 0x0166);
REGISTER(CSCTL4, 0x0168);
REGISTER(CSCTL5, 0x016A);
REGISTER(PASEL0, 0x020A); /* ports 1 and 2: port 2 is the upper byte */
REGISTER(PASEL1, 0x020C);
REGISTER(PJSEL0, 0x032A); /* port J */
REGISTER(TA0CTL, 0x0340); /* timer A0 */
REGISTER(TA0R, 0x0350);
REGISTER(UCA0CTLW0, 0x05C0); /* serial interface A0 */
REGISTER(UCA0BRW, 0x05C6);
REGISTER(UCA0MCTLW, 0x05C8);
REGISTER(UCA0STATW, 0x05CA);
REGISTER(UCA0TXBUF, 0x05CE);
REGISTER(UCA0IFG, 0x05DC);

#define OFIFG 0x0002          /* SFRIFG1: an oscillator fault */
#define LOCKLPM5 0x0001       /* PM5CTL0: pins are locked after reset */
#define FRCTL_NWAITS_1 0xA510 /* password, one wait state: required above 8 MHz */
#define CS_UNLOCK 0xA500      /* CSCTL0: password */
#define CS_LOCK 0x00          /* CSCTL0_H: any wrong password; writing the whole word would reset */
#define DCO_16_MHZ 0x0048     /* CSCTL1: DCORSEL, DCOFSEL 4 */
#define LFXT_AND_DCO 0x0033   /* CSCTL2: ACLK from LFXT, SMCLK and MCLK from the DCO */
#define DIVIDE_BY_4 0x0222    /* CSCTL3 */
#define DIVIDE_BY_1 0x0000    /* CSCTL3 */
#define LFXTOFF 0x0001        /* CSCTL4 */
#define LFXTOFFG 0x0001       /* CSCTL5: fault of the crystal */
#define CRYSTAL_PINS 0x0030   /* PJ.4, PJ.5 */
#define SERIAL_PINS 0x0300    /* P2.0, P2.1 */
#define TIMER_ACLK_8 0x01E4   /* TA0CTL: ACLK / 8, continuous, cleared */
#define UCSWRST 0x0001        /* UCA0CTLW0: hold in reset */
#define UCSSEL_SMCLK 0x0080   /* UCA0CTLW0 */
#define UCTXIFG 0x0002        /* UCA0IFG: the transmit buffer is empty */
#define UCBUSY 0x0001         /* UCA0STATW */
#define BAUD_DIVIDER 8        /* 115200 from 16 MHz: SLAU367, typical baud rates */
#define BAUD_MODULATION 0xF7A1 /* UCBRS 0xF7, UCBRF 10, UCOS16 */
#define CRYSTAL_TRIES 50000u   /* it needs about half a second; without it time is inaccurate */

#if F_CPU != 16000000L
#error "the clock and baud rate settings are for 16 MHz"
#endif

void unit_machine_start(void);
void unit_machine_halt(int status) __attribute__((noreturn));

/* The steps of SLAU367 and of the device's errata: divide while the DCO changes its frequency. */
static void start_clock(void) {
  FRCTL0 = FRCTL_NWAITS_1;
  CSCTL0 = CS_UNLOCK;
  CSCTL2 = LFXT_AND_DCO;
  CSCTL3 = DIVIDE_BY_4;
  CSCTL1 = DCO_16_MHZ;
  __delay_cycles(60); /* 10 us and more at 4 MHz */
  CSCTL3 = DIVIDE_BY_1;
  CSCTL4 &= (uint16_t)~LFXTOFF;
  for (uint16_t tries = CRYSTAL_TRIES; tries > 0 && (CSCTL5 & LFXTOFFG) != 0; tries--) {
    CSCTL5 &= (uint16_t)~LFXTOFFG;
    SFRIFG1 &= (uint16_t)~OFIFG;
    __delay_cycles(160);
  }
  CSCTL0_H = CS_LOCK;
}

static void start_serial(void) {
  UCA0CTLW0 = UCSWRST | UCSSEL_SMCLK;
  UCA0BRW = BAUD_DIVIDER;
  UCA0MCTLW = BAUD_MODULATION;
  UCA0CTLW0 &= (uint16_t)~UCSWRST;
}

void unit_machine_start(void) {
  PASEL0 &= (uint16_t)~SERIAL_PINS;
  PASEL1 |= SERIAL_PINS;
  PJSEL0 |= CRYSTAL_PINS;
  PM5CTL0 &= (uint16_t)~LOCKLPM5;
  start_clock();
  start_serial();
  TA0CTL = TIMER_ACLK_8;
}

void unit_machine_write(const char *data, size_t size) {
  for (size_t i = 0; i < size; i++) {
    while ((UCA0IFG & UCTXIFG) == 0) {
    }
    UCA0TXBUF = (uint8_t)data[i];
  }
}

/* 4096 ticks a second. Counts the timer's wraps, 16 s apart, as long as it is called between them.
 * The timer's clock is not the CPU's: a value counts when it was read twice (SLAU367, Timer_A). */
uint32_t unit_machine_millis(void) {
  static uint16_t last;
  static uint32_t wraps;
  uint16_t now = TA0R;
  for (uint16_t again = TA0R; again != now; again = TA0R) now = again;
  if (now < last) wraps++;
  last = now;
  return (uint32_t)((uint64_t)(wraps << 16 | now) * 125u / 512u);
}

/* Simulators measure; hardware does not. */
void unit_machine_mark(void) {}

/* Low-power mode 4 until the next reset, when the last byte has left. */
void unit_machine_halt(int status) {
  (void)status;
  while ((UCA0STATW & UCBUSY) != 0) {
  }
  for (;;) __asm__ volatile("bis #0xf0, r2"); /* SCG1, SCG0, OSCOFF, CPUOFF */
}
