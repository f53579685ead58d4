/* MFCC front end in integers: 16 kHz audio to frames of FRONT_END_FEATURES int8 numbers, one frame
 * per 20 ms. Window 30 ms (Hann), FFT of 512 points, 40 mel bands from 20 to 4000 Hz, logarithm,
 * DCT-II, each coefficient scaled to the spread it has in the training data (make_model.py). */
#ifndef FRONT_END_H_
#define FRONT_END_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FRONT_END_WINDOW 480
#define FRONT_END_HOP 320
#define FRONT_END_BANDS 40
#define FRONT_END_FEATURES 10

typedef struct {
  int16_t samples[FRONT_END_WINDOW];
  int count; /* samples of the window that have come */
} front_end;

void front_end_init(front_end *state);

/* Takes one sample. 1: it completed a window, whose features are in `features`; else 0. */
int front_end_add(front_end *state, int16_t sample, int8_t features[FRONT_END_FEATURES]);

/* One window's mel spectrum: 10 * ln(power) + 146 in 0..255, for samples in [-1, 1). */
void front_end_log_mel(const int16_t samples[FRONT_END_WINDOW], uint8_t log_mel[FRONT_END_BANDS]);

#ifdef __cplusplus
}
#endif

#endif /* FRONT_END_H_ */
