#include <string.h>

#include "unit_functions.h"

unit_status unit_pad_s8(const unit_dims *pre, const unit_dims *post, int8_t value,
                        const unit_dims *input_dims, const int8_t *input, int8_t *output) {
  const unit_dims out = {pre->n + input_dims->n + post->n, pre->h + input_dims->h + post->h,
                         pre->w + input_dims->w + post->w, pre->c + input_dims->c + post->c};
  memset(output, value, (size_t)(out.n * out.h * out.w * out.c));
  for (int32_t n = 0; n < input_dims->n; n++) {
    for (int32_t h = 0; h < input_dims->h; h++) {
      const int32_t row = ((n + pre->n) * out.h + h + pre->h) * out.w + pre->w;
      int8_t *to = output + row * out.c + pre->c;
      for (int32_t w = 0; w < input_dims->w; w++) {
        memcpy(to + w * out.c, input, (size_t)input_dims->c);
        input += input_dims->c;
      }
    }
  }
  return UNIT_SUCCESS;
}
