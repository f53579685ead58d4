/* Stands for a microphone: a few words from a small formant synthesizer, 16 kHz. */
#ifndef SPEECH_H_
#define SPEECH_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What is spoken, in the order in which it can be heard. */
#define SPEECH_WORDS 3
extern const char *const speech_words[SPEECH_WORDS];

/* Starts again. */
void speech_init(void);

/* Writes the next `count` samples. Returns 0 when the speech has ended: then they are silence. */
int speech_read(int16_t *samples, int count);

#ifdef __cplusplus
}
#endif

#endif /* SPEECH_H_ */
