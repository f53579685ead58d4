#include "speech.h"

#include "front_end_tables.h"

#define SAMPLE_RATE 16000
/* Poles of the two formants, 2^14 * e^(-pi * bandwidth / SAMPLE_RATE): 80 and 120 Hz wide. */
#define RADIUS_1 16129
#define RADIUS_2 16002
#define PITCH 115     /* Hz */
#define PULSE 20000   /* a stroke of the vocal cords */
#define BREATH 400    /* noise where there is none */
#define BACKGROUND 40 /* noise of the room */

typedef enum { VOICED, NOISE } source;

/* Sound that changes evenly from the first to the second of its two values: the frequencies of the
 * formants in Hz, and how loud it is in percent. */
typedef struct {
  int16_t milliseconds;
  int16_t formant1[2];
  int16_t formant2[2];
  int16_t loudness[2];
  source kind;
} sound;

static const sound sounds[] = {
    {1300, {500, 500}, {1500, 1500}, {0, 0}, NOISE},
    /* off */
    {250, {650, 650}, {950, 950}, {100, 70}, VOICED},
    {200, {1500, 1500}, {3000, 3000}, {200, 100}, NOISE},
    {1100, {500, 500}, {1500, 1500}, {0, 0}, NOISE},
    /* left */
    {90, {350, 400}, {1100, 1200}, {60, 80}, VOICED},
    {180, {600, 600}, {1700, 1700}, {100, 70}, VOICED},
    {90, {1500, 1500}, {3000, 3000}, {150, 150}, NOISE},
    {50, {300, 300}, {2000, 2000}, {0, 0}, NOISE},
    {40, {2500, 2500}, {3500, 3500}, {200, 20}, NOISE},
    {1100, {500, 500}, {1500, 1500}, {0, 0}, NOISE},
    /* go */
    {50, {250, 300}, {1500, 1300}, {20, 60}, VOICED},
    {70, {350, 550}, {1300, 1000}, {80, 100}, VOICED},
    {260, {550, 400}, {950, 800}, {100, 20}, VOICED},
    {1000, {500, 500}, {1500, 1500}, {0, 0}, NOISE},
};

const char *const speech_words[SPEECH_WORDS] = {"off", "left", "go"};

typedef struct {
  int32_t last;
  int32_t before_last;
} resonator;

static resonator formants[2];
static uint32_t random_state;
static int32_t phase;
static int current;     /* sound */
static int32_t elapsed; /* samples of it */

static int32_t between(const int16_t range[2], int32_t duration) {
  return range[0] + (range[1] - range[0]) * elapsed / duration;
}

static int32_t noise(int32_t amplitude) {
  random_state = random_state * 1664525u + 1013904223u;
  return (int32_t)((int64_t)(int32_t)random_state * amplitude >> 31);
}

/* 2^15 * cos(2 pi frequency / SAMPLE_RATE) */
static int32_t cosine(int32_t frequency) {
  const int32_t position = frequency * FRONT_END_FFT;
  const int32_t low = front_end_cosine[position / SAMPLE_RATE];
  const int32_t high = front_end_cosine[position / SAMPLE_RATE + 1];
  return low + (high - low) * (position % SAMPLE_RATE) / SAMPLE_RATE;
}

/* Two poles at this frequency; the gain at 0 Hz is 1. */
static int32_t resonate(resonator *formant, int32_t input, int32_t frequency, int32_t radius) {
  const int64_t a = cosine(frequency) * radius >> 14;
  const int64_t b = radius * radius >> 14;
  const int64_t sum = (16384 - a + b) * input + a * formant->last - b * formant->before_last;
  formant->before_last = formant->last;
  formant->last = (int32_t)((sum + 8192) >> 14);
  return formant->last;
}

static int16_t next_sample(const sound *s) {
  const int32_t duration = s->milliseconds * (int32_t)(SAMPLE_RATE / 1000);
  int32_t input = 0;
  phase += PITCH;
  if (s->kind == NOISE) input = noise(BREATH);
  if (phase >= SAMPLE_RATE) {
    phase -= SAMPLE_RATE;
    if (s->kind == VOICED) input = PULSE;
  }
  input = input / 100 * between(s->loudness, duration);
  input = resonate(&formants[0], input, between(s->formant1, duration), RADIUS_1);
  input = resonate(&formants[1], input, between(s->formant2, duration), RADIUS_2);
  if (++elapsed == duration) {
    elapsed = 0;
    current++;
  }
  input += noise(BACKGROUND);
  return (int16_t)(input < -32768 ? -32768 : input > 32767 ? 32767 : input);
}

void speech_init(void) {
  const resonator silent = {0, 0};
  formants[0] = formants[1] = silent;
  random_state = 1;
  phase = elapsed = 0;
  current = 0;
}

int speech_read(int16_t *samples, int count) {
  const int end = (int)(sizeof(sounds) / sizeof(sounds[0]));
  for (int i = 0; i < count; i++) {
    samples[i] = current < end ? next_sample(&sounds[current]) : (int16_t)noise(BACKGROUND);
  }
  return current < end;
}
