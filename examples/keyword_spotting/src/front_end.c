#include "front_end.h"

#include <string.h>

#include "front_end_tables.h"

#define POINTS (FRONT_END_FFT / 2) /* two real samples make one complex point */
#define LOG_POINTS 8
/* Fractional bits of a sample in the FFT. Its 480 windowed samples sum up to less than 2^23. */
#define FRACTION 6

typedef struct {
  int32_t re;
  int32_t im;
} complex32;

static int32_t times_q15(int32_t value, int32_t factor) {
  return (int32_t)(((int64_t)value * factor + (1 << 14)) >> 15);
}

/* value * e^(-2 pi i k / FRONT_END_FFT), k = 0..POINTS - 1 */
static complex32 rotate(complex32 value, int k) {
  const int32_t c = front_end_cosine[k];
  const int32_t s = front_end_cosine[k < POINTS / 2 ? POINTS / 2 - k : k - POINTS / 2];
  const complex32 result = {times_q15(value.re, c) + times_q15(value.im, s),
                            times_q15(value.im, c) - times_q15(value.re, s)};
  return result;
}

static int reversed(int index) {
  int result = 0;
  for (int bit = 0; bit < LOG_POINTS; bit++) result |= (index >> bit & 1) << (LOG_POINTS - 1 - bit);
  return result;
}

/* Windows the samples and puts them, zero padded, where the FFT wants its input. */
static void load(const int16_t *samples, complex32 *points) {
  memset(points, 0, POINTS * sizeof(*points));
  for (int i = 0; i < FRONT_END_WINDOW; i++) {
    const int32_t window =
        front_end_window[i < FRONT_END_WINDOW / 2 ? i : FRONT_END_WINDOW - 1 - i];
    const int32_t value = (samples[i] * window + (1 << (14 - FRACTION))) >> (15 - FRACTION);
    complex32 *point = &points[reversed(i / 2)];
    if (i % 2 == 0) {
      point->re = value;
    } else {
      point->im = value;
    }
  }
}

static void fft(complex32 *points) {
  for (int half = 1; half < POINTS; half *= 2) {
    for (int k = 0; k < half; k++) {
      for (int i = k; i < POINTS; i += 2 * half) {
        const complex32 a = points[i];
        const complex32 b = rotate(points[i + half], k * (POINTS / half));
        points[i] = (complex32){a.re + b.re, a.im + b.im};
        points[i + half] = (complex32){a.re - b.re, a.im - b.im};
      }
    }
  }
}

/* Power of bin k of the real signal's spectrum, from the spectrum of its complex points. */
static uint64_t power(const complex32 *points, int k) {
  const complex32 a = points[k];
  const complex32 b = points[(POINTS - k) % POINTS];
  const complex32 odd = {(a.im + b.im) / 2, (b.re - a.re) / 2};
  const complex32 turned = rotate(odd, k);
  const int64_t re = (int64_t)(a.re + b.re) / 2 + turned.re;
  const int64_t im = (int64_t)(a.im - b.im) / 2 + turned.im;
  return (uint64_t)(re * re + im * im) >> (2 * FRACTION);
}

/* 2^11 * log2(value), value > 0 */
static int32_t log2_q11(uint64_t value) {
  int32_t exponent = 0;
  while (value >> exponent > 1) exponent++;
  const uint32_t mantissa =
      (uint32_t)(exponent >= 16 ? value >> (exponent - 16) : value << (16 - exponent)) & 0xFFFF;
  const int32_t low = front_end_log2[mantissa >> 11];
  const int32_t high = front_end_log2[(mantissa >> 11) + 1];
  return exponent * 2048 + low + ((high - low) * (int32_t)(mantissa & 2047) >> 11);
}

void front_end_log_mel(const int16_t samples[FRONT_END_WINDOW], uint8_t log_mel[FRONT_END_BANDS]) {
  static complex32 points[POINTS];
  /* Bins below the first band and above the last one end up in the two more at the ends. */
  uint64_t bands[FRONT_END_BANDS + 2] = {0};
  load(samples, points);
  fft(points);
  for (int k = 1; k < FRONT_END_BINS; k++) {
    const uint64_t value = power(points, k);
    const int band = front_end_band[k];
    bands[band] += value * (uint32_t)(32768 - front_end_weight[k]);
    bands[band + 1] += value * front_end_weight[k];
  }
  for (int band = 0; band < FRONT_END_BANDS; band++) {
    /* 45: a sample is 2^15 times and a weight 2^15 times its real value. 14196 = 2^11 * 10 ln 2. */
    const int32_t octaves = log2_q11(bands[band + 1] | 1) - 45 * INT32_C(2048);
    const int32_t value = ((octaves * 14196 + (INT32_C(1) << 21)) >> 22) + 146;
    log_mel[band] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
  }
}

static void transform(const uint8_t *log_mel, int8_t *features) {
  for (int k = 0; k < FRONT_END_FEATURES; k++) {
    int32_t sum = front_end_offset[k];
    for (int band = 0; band < FRONT_END_BANDS; band++) {
      sum += front_end_dct[k][band] * log_mel[band];
    }
    sum >>= 16;
    features[k] = (int8_t)(sum < -128 ? -128 : sum > 127 ? 127 : sum);
  }
}

void front_end_init(front_end *state) { state->count = 0; }

int front_end_add(front_end *state, int16_t sample, int8_t features[FRONT_END_FEATURES]) {
  uint8_t log_mel[FRONT_END_BANDS];
  state->samples[state->count++] = sample;
  if (state->count < FRONT_END_WINDOW) return 0;
  front_end_log_mel(state->samples, log_mel);
  transform(log_mel, features);
  state->count = FRONT_END_WINDOW - FRONT_END_HOP;
  memmove(state->samples, state->samples + FRONT_END_HOP, (size_t)state->count * sizeof(int16_t));
  return 1;
}
