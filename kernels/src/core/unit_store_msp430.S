/* unit_store, unit_store_row and unit_store_plane of unit_output.h; C references: unit_store.c,
 * unit_store_row.c, unit_store_plane.c.
 *
 * Most outputs need 16 bits of sum and multiplier only. For shift = -e, 1 <= e <= 15, and a
 * multiplier >= 2^30, TFLM's two roundings are one:
 *   q = floor(v + 1/2), v = |sum| * multiplier / 2^(31 + e) + 2^(-1 - e)
 * with the sign of the sum; where that is negative, a tie goes to the smaller magnitude. With
 *   A = |sum| / 2^(e - 7), which has at most 16 bits unless the output saturates, rounded down,
 *   M = multiplier / 2^15, rounded down,
 *   H = A * M / 2^16, rounded down,
 * v is in H / 2^7 + 2^(-1 - e) + [0, d / 2^7), d = 3 with the hardware multiplier and d = 4 without. For
 * e < 7 the second term is added; from 7 on it is at most 1/2 in units of H and left to the bound.
 * An output for which the interval holds a tie, 2 to 5 of 100, goes the exact way, and so does
 * everything unusual.
 *
 * r4 end of acc   r5 acc   r6 to   r7-r10 of the channel, see below   r11-r15 scratch
 */
#ifdef __MSP430__
#include "unit_store_msp430.h"

/* r12 output   r13 acc   r14 count   r15 to */
    function unit_store_msp430
    save
    SUBP #FRAME_SIZE, r1
    MOVP r13, r5
    MOVP r15, r6
    mov r14, FRAME_COUNT(r1)
    MOVP #1, r11
    MOVP r11, FRAME_STEP(r1)
    MOVP #.Lstore_next_channel, r11
    MOVP r11, FRAME_NEXT(r1)
    MOVP r13, r4
    ADDP #4, r4
    JUMP #.Lstore_all

/* The same; stack: acc_step, to_step, positions. Channel by channel. */
    .global unit_store_row_msp430
    .type unit_store_row_msp430,@function
unit_store_row_msp430:
    save
    MOVP SAVED_AND_RETURN(r1), r9
    MOVP ARGUMENT_2(r1), r11
    mov ARGUMENT_3(r1), r10
    SUBP #FRAME_SIZE, r1
    MOVP r11, FRAME_STEP(r1)
    SUBP #1, r9
    ADDP r9, r9
    ADDP r9, r9
    MOVP r9, FRAME_ACC_STEP(r1)
    mov r10, FRAME_POSITIONS(r1)
    mov r10, FRAME_POSITIONS_LEFT(r1)
    MOVP r13, r5
    MOVP r13, FRAME_ACC(r1)
    MOVP r15, r6
    MOVP r15, FRAME_TO(r1)
    mov r14, FRAME_COUNT(r1)
    MOVP #.Lstore_next_position, r11
    MOVP r11, FRAME_NEXT(r1)
    MOVP r13, r4
    ADDP #4, r4
    JUMP #.Lstore_all

/* The same for a plane; stack: step, rows, pitch. r14: columns */
    .global unit_store_plane_msp430
    .type unit_store_plane_msp430,@function
unit_store_plane_msp430:
    save
    MOVP SAVED_AND_RETURN(r1), r11
    mov ARGUMENT_2(r1), r10
    MOVP ARGUMENT_3_PLANE(r1), r9
    SUBP #FRAME_SIZE, r1
    MOVP r11, FRAME_STEP(r1)
    mov r10, FRAME_POSITIONS_LEFT(r1)
    MOVP r13, r5
    MOVP r15, r6
    MOVP #.Lstore_next_row, r11
    MOVP r11, FRAME_NEXT(r1)
    mov r14, r4
    SUBP r4, r9
    ADDP r9, r9
    ADDP r9, r9
    MOVP r9, FRAME_ACC_STEP(r1)
    ADDP r4, r4
    ADDP r4, r4
    MOVP r4, FRAME_ACC(r1)
    ADDP r13, r4
.Lstore_all:
    MOVP r12, FRAME_OUTPUT(r1)
    begin_limits
    MOVP #0, r10
    MOVP r10, FRAME_AT(r1)
.Lstore_channel:
    MOVP OUTPUT_SHIFT(r12), r11
    tst OUTPUT_IS_PER_CHANNEL(r12)
    jz 1f
    ADDP r10, r11
1:  MOVP #.Lstore_negate, r13
    mov @r11, r14
    mov r14, FRAME_SHIFT(r1)
    cmp #0, r14                     ; without a right shift the largest sums wrap around
    jge 2f
    cmp OUTPUT_MIN(r12), FRAME_OFFSET(r1)
    jne 2f
    MOVP #.Lstore_floor, r13
2:  MOVP r13, FRAME_NEGATIVE(r1)
    clr r14
    clr r15
    MOVP OUTPUT_BIAS(r12), r11
    TSTP r11
    jz 3f
    ADDP r10, r11
    mov @r11+, r14
    mov @r11, r15
3:  MOVP OUTPUT_COMPENSATION(r12), r11
    TSTP r11
    jz 4f
    ADDP r10, r11
    add @r11+, r14
    addc @r11, r15
4:  mov r14, BIAS
    mov r15, BIAS_HIGH
    clr FRAME_SKIP(r1)
    begin_step
.Lstore_first:
    mov @r5+, r12
    mov @r5+, r13
.Lstore:
    keep_sum
    add BIAS, r12
    addc BIAS_HIGH, r13
    jn .Lstore_negative
    scale positive
    jmp .Lshifted_positive
    shift_right                     ; SHORTER: all of int8 is allowed, the offset is -128
    round positive
    swpb r12
    mov.b r12, r11
    xor.b #0x80, r11
    jmp .Lstore_alike
.Lshifted_positive:
    round positive
    swpb r12
    mov.b r12, r12
    add FRAME_OFFSET(r1), r12
.Lstore_limits:
    cmp r12, FRAME_MAX(r1)
    jge 1f
    mov FRAME_MAX(r1), r12
1:  cmp FRAME_LOW(r1), r12
    jge .Lstore_value
.Lstore_floor:
    mov FRAME_FLOOR(r1), r12
.Lstore_value:
    mov r12, r11
.Lstore_alike:
    next_output
    CMPP r4, r5
    jeq .Lstore_channel_end
    mov @r5+, r12
    mov @r5+, r13
    compare_sums .Lstore_alike, .Lstore ; where inputs are zero, sums are alike
.Lstore_channel_end:
    MOVP FRAME_NEXT(r1), r0

.Lstore_next_row:
    MOVP FRAME_ACC_STEP(r1), r11
    ADDP r11, r5
    MOVP FRAME_ACC(r1), r4
    ADDP r5, r4
    add #-1, FRAME_POSITIONS_LEFT(r1)
    jnz .Lstore_first
    JUMP #.Lstore_end

.Lstore_next_position:
    MOVP FRAME_ACC_STEP(r1), r11
    ADDP r11, r5
    MOVP r5, r4
    ADDP #4, r4
    add #-1, FRAME_POSITIONS_LEFT(r1)
    jnz .Lstore_first
    mov FRAME_POSITIONS(r1), r11
    mov r11, FRAME_POSITIONS_LEFT(r1)
    MOVP FRAME_ACC(r1), r5
    ADDP #4, r5
    MOVP r5, FRAME_ACC(r1)
    MOVP r5, r4
    MOVP FRAME_TO(r1), r6
    ADDP #1, r6
    MOVP r6, FRAME_TO(r1)
.Lstore_next_channel:
    dec FRAME_COUNT(r1)
    jz .Lstore_end
    ADDP #4, r4
    MOVP FRAME_OUTPUT(r1), r12
    MOVP FRAME_AT(r1), r10
    ADDP #4, r10
    MOVP r10, FRAME_AT(r1)
    jmp .Lstore_channel
.Lstore_end:
    ADDP #FRAME_SIZE, r1
    restore
    RET

.Lstore_negative:
    MOVP FRAME_NEGATIVE(r1), r0
.Lstore_negate:
    inv r12
    inv r13
    inc r12
    adc r13
    scale negative
.Lshifted_negative:
    round negative
    swpb r12
    mov.b r12, r12
    mov FRAME_OFFSET(r1), r11
    sub r12, r11
    mov r11, r12
    jmp .Lstore_limits

    shift_left positive
    shift_left negative

/* The first sum of a channel that needs them: multiplier and shift. */
.Lstore_begin:
    SUBP #4, r5
    MOVP FRAME_OUTPUT(r1), r12
    MOVP OUTPUT_MULTIPLIER(r12), r11
    tst OUTPUT_IS_PER_CHANNEL(r12)
    jz 1f
    MOVP FRAME_AT(r1), r13
    ADDP r13, r11
1:  mov @r11+, r14
    mov @r11, r15
    mov r14, FRAME_MULTIPLIER(r1)
    mov r15, FRAME_MULTIPLIER_HIGH(r1)
    mov #SKIP_EXACT, FRAME_SKIP(r1)
    mov FRAME_SHIFT(r1), r13
    inv r13
    inc r13                         ; e
    cmp #1, r13
    jl .Lstore_first
    cmp #16, r13
    jge .Lstore_first
    cmp #0x4000, r15
    jl .Lstore_first
    rla r14
    rlc r15
    begin_multiplier
    mov #128, r12
    sub #7, r13
    jn 2f
    rla r13
    rla r13
    mov #(SKIP_RIGHT + 32), r11
    sub r13, r11
    add FRAME_SHORTER(r1), r11
    jmp 4f
2:  inv r13
    inc r13
    mov r13, FRAME_LEFT(r1)
    mov #1, r11
3:  rla r11
    dec r13
    jnz 3b
    add r11, r12
    mov #SKIP_LEFT, r11
4:  mov r12, FRAME_HALF(r1)
    mov r11, FRAME_SKIP(r1)
    JUMP #.Lstore_first

.Lstore_exact:
    mov -4(r5), r12
    mov -2(r5), r13
    add BIAS, r12
    addc BIAS_HIGH, r13
    mov FRAME_MULTIPLIER(r1), r14
    mov FRAME_MULTIPLIER_HIGH(r1), r15
    CALL #unit_requantize_msp430
    mov FRAME_OFFSET(r1), r14
    mov r14, r15                    ; its sign
    rla r15
    subc r15, r15
    inv r15
    add r14, r12
    addc r15, r13
    mov r12, r15                    ; does the sum fit 16 bits?
    rla r15
    subc r15, r15
    inv r15
    cmp r15, r13
    jeq 2f
    mov #0x7fff, r12
    tst r13
    jge 2f
    mov #0x8000, r12
2:  keep_last_sum
    JUMP #.Lstore_limits
#endif
