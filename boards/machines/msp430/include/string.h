/* The part of <string.h> that freestanding code may use; memory.S implements it. */
#ifndef UNIT_MSP430_STRING_H_
#define UNIT_MSP430_STRING_H_

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

void *memcpy(void *to, const void *from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int value, size_t size);
int memcmp(const void *a, const void *b, size_t size);
size_t strlen(const char *text);

#ifdef __cplusplus
}
#endif

#endif /* UNIT_MSP430_STRING_H_ */
