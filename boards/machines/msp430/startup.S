/* Reset, the interrupt vectors, and the two functions that the simulator stops at. */

    .section .text._start,"ax",@progbits
    .global _start
    .type _start,@function
_start:
    mov #__stack_top, r1
    mov #0x5a80, &0x0120            ; watchdog off
    mov #__stack_bottom, r12        ; paint the stack: unit_machine_stack_used() reads it
.Lpaint:
    cmp #__stack_top, r12
    jhs .Lpainted
    mov #0xa5a5, 0(r12)
    incd r12
    jmp .Lpaint
.Lpainted:
    mov #__data_start, r12
    mov #__data_load, r13
    mov #__data_end, r14
    sub r12, r14
    call #memcpy
    mov #__bss_start, r12
    clr r13
    mov #__bss_end, r14
    sub r12, r14
    call #memset
    call #unit_machine_start
    mov #__init_array_start, r10
.Lconstruct:
    cmp #__init_array_end, r10
    jhs .Lconstructed
    mov @r10+, r11
    call r11
    jmp .Lconstruct
.Lconstructed:
    clr r12
    clr r13
    call #main
    call #unit_machine_exit

    /* Halts with the status in R12; a breakpoint of the simulator. */
    .section .text.unit_machine_halt,"ax",@progbits
    .global unit_machine_halt
    .type unit_machine_halt,@function
unit_machine_halt:
    jmp unit_machine_halt

    /* Where interrupts that nobody handles end; a breakpoint of the simulator. */
    .section .text.unit_machine_trap,"ax",@progbits
    .global unit_machine_trap
    .type unit_machine_trap,@function
unit_machine_trap:
    jmp unit_machine_trap

    /* A breakpoint of the simulator. */
    .section .text.unit_machine_mark,"ax",@progbits
    .global unit_machine_mark
    .type unit_machine_mark,@function
unit_machine_mark:
    ret

    .section .vectors,"a",@progbits
    .rept 15
    .short unit_machine_trap
    .endr
    .short _start
