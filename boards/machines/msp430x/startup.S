/* Reset of the MSP430FR5994, simulated or real, and the interrupt vectors. Large model: CALLA, RETA,
 * 20-bit registers. */

#define WDTCTL 0x015C /* SLASE54, peripheral file map: WDT_A */
#define WDT_HOLD 0x5A80

    .section .text._start,"ax",@progbits
    .global _start
    .type _start,@function
_start:
    mova #__stack_top, r1
    mov #WDT_HOLD, &WDTCTL
    mova #__stack_bottom, r12       ; paint the stack: unit_machine_stack_used() reads it
1:  cmpa #__stack_top, r12
    jhs 2f
    mov #0xa5a5, 0(r12)
    adda #2, r12
    jmp 1b
2:  mova #__data_start, r12
    mova #__data_load, r13
3:  cmpa #__data_end, r12
    jhs 4f
    mov @r13+, 0(r12)
    adda #2, r12
    jmp 3b
4:  mova #__bss_start, r12
5:  cmpa #__bss_end, r12
    jhs 6f
    clr 0(r12)
    adda #2, r12
    jmp 5b
6:  mova #__upper_bss_start, r12
7:  cmpa #__upper_bss_end, r12
    jhs 8f
    clrx.w 0(r12)
    adda #2, r12
    jmp 7b
8:  calla #unit_machine_start
    mova #__init_array_start, r10
9:  cmpa #__init_array_end, r10
    jhs 10f
    mova @r10+, r11
    calla r11
    jmp 9b
10: clr r12
    mova #0, r13
    calla #main
    calla #unit_machine_exit
11: jmp 11b

    /* Where interrupts that nobody handles end. */
    .section .text.unit_machine_trap,"ax",@progbits
    .global unit_machine_trap
    .weak unit_machine_trap
    .type unit_machine_trap,@function
unit_machine_trap:
    jmp unit_machine_trap

    .section .vectors,"a",@progbits
    .rept 37
    .short unit_machine_trap
    .endr
    .short _start
