/* SPDX-License-Identifier: Apache-2.0
 * Inference of a small model, one source for every target. model.h says which: a perceptron
 * (LAYER_LIST) or a Bonsai-class tree (DEPTH) of integers, whose sums have acc_t and never
 * overflow, whose shifts round to the nearest, halves up, and saturate where they narrow to 8 bits;
 * and, to compare, the nearest of stored points (POINTS) or a perceptron of floats (FLOAT_LIST). */
#include "predict.h"

#if defined(POINTS)
static void all_scores(const int8_t* x, score_t* scores) {
  for (uint8_t c = 0; c < CLASSES; c++) {
    scores[c] = INT32_MIN;
  }
  const int8_t* point = points;
  for (uint16_t n = 0; n < POINTS; n++, point += FEATURES) {
    int32_t distance = 0;
    for (uint16_t i = 0; i < FEATURES; i++) {
      const int16_t d = (int16_t)(x[i] - READ_BYTE(point + i));
      distance += (int32_t)d * d;
    }
    const uint8_t label = (uint8_t)READ_BYTE((const int8_t*)labels + n);
    if (-distance > scores[label]) {
      scores[label] = -distance;
    }
  }
}
#elif defined(FLOAT_LIST)
static float between[2][WIDEST];

/* y[out] = w[out][in] x + b, one rounding for each product and sum, in the order of the inputs. */
INLINE void linear(const float* w, const float* b, uint16_t in, uint16_t out, uint8_t relu,
                   const float* x, float* y) {
  for (uint16_t j = 0; j < out; j++) {
    float sum = READ_FLOAT(b + j);
    for (uint16_t i = 0; i < in; i++, w++) {
      sum += READ_FLOAT(w) * x[i];
    }
    y[j] = relu && sum < 0 ? 0 : sum;
  }
}

static void all_scores(const int8_t* given, score_t* scores) {
  const float* x = between[1];
  for (uint16_t i = 0; i < FEATURES; i++) {
    between[1][i] = given[i] * UNIT;
  }
  uint8_t __attribute__((unused)) next = 0;
#define HIDDEN(w, b, in, out)                 \
  linear(w, b, in, out, 1, x, between[next]); \
  x = between[next];                          \
  next ^= 1;
#define LAST(w, b, in) linear(w, b, in, CLASSES, 0, x, scores);
  FLOAT_LIST(HIDDEN, LAST)
}
#else

/* (sum + half) >> shift, clamped to [low, high]. */
INLINE int8_t narrow(acc_t sum, uint8_t shift, int8_t low, int8_t high) {
  if (shift) {
    sum = (acc_t)(sum + ((acc_t)1 << (shift ? shift - 1 : 0))) >> shift;
  }
  return sum < low ? low : sum > high ? high : (int8_t)sum;
}

#ifdef LAYER_LIST
/* y[out] = narrow(w[out][in] x + b), clamped to [0, limit]: ReLU. */
INLINE void hidden(const int8_t* w, const acc_t* b, uint16_t in, uint16_t out, uint8_t shift,
                   int8_t limit, const int8_t* x, int8_t* y) {
  for (uint16_t j = 0; j < out; j++, w += in) {
    y[j] = narrow((acc_t)(dot(w, x, in) + READ_ACC(b + j)), shift, 0, limit);
  }
}

/* Results of hidden layers, one after the other; a perceptron of one layer has none. */
static int8_t __attribute__((unused)) between[2][WIDEST];

static void all_scores(const int8_t* x, score_t* scores) {
  uint8_t __attribute__((unused)) next = 0;
#define HIDDEN(w, b, in, out, shift, limit)              \
  hidden(w, b, in, out, shift, limit, x, between[next]); \
  x = between[next];                                     \
  next ^= 1;
#define LAST(w, b, in)                                                 \
  for (uint16_t j = 0; j < CLASSES; j++) {                             \
    scores[j] = (acc_t)(dot(w + j * (in), x, in) + READ_ACC((b) + j)); \
  }
  LAYER_LIST(HIDDEN, LAST)
}
#else
static int8_t z[WIDTH];

static void all_scores(const int8_t* x, score_t* scores) {
  for (uint8_t i = 0; i < WIDTH; i++) {
    const acc_t sum = (acc_t)(dot(Z + (uint16_t)i * FEATURES, x, FEATURES) + READ_ACC(bz + i));
    z[i] = narrow(sum, Z_SHIFT, -Z_LIMIT, Z_LIMIT);
  }
  for (uint8_t c = 0; c < CLASSES; c++) {
    scores[c] = 0;
  }
  uint16_t node = 0;
  for (uint8_t level = 0;; level++) {
    const int8_t* w = W + node * (CLASSES * WIDTH);
    const int8_t* v = V + node * (CLASSES * WIDTH);
    for (uint8_t c = 0; c < CLASSES; c++, w += WIDTH, v += WIDTH) {
      const acc_t a = dot(w, z, WIDTH);
      scores[c] += (int32_t)a * narrow(dot(v, z, WIDTH), V_SHIFT, -T_LIMIT, T_LIMIT);
    }
    if (level == DEPTH) {
      return;
    }
#if DEPTH > 0
    node = 2 * node + (dot(theta + node * WIDTH, z, WIDTH) > 0 ? 1 : 2);
#endif
  }
}
#endif
#endif

uint8_t predict(const int8_t* x, score_t* scores) {
  all_scores(x, scores);
  uint8_t best = 0;
  for (uint8_t c = 1; c < CLASSES; c++) {
    if (scores[c] > scores[best]) {
      best = c;
    }
  }
  return best;
}
