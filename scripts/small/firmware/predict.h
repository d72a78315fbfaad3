/* SPDX-License-Identifier: Apache-2.0
 * Inference of a small integer model (docs/small-models.md has its arithmetic). */
#ifndef SMALL_PREDICT_H
#define SMALL_PREDICT_H
#include "target.h"

/* Class of x[FEATURES], the first of those with the largest score; scores[CLASSES] are written. */
uint8_t predict(const int8_t* x, score_t* scores);
#endif
