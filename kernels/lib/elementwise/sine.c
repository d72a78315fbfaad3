/* SPDX-License-Identifier: Apache-2.0
 * Sine and cosine of any number, within 2e-7: |x| as a number of quarter turns, by its product with
 * 96 bits of 2 / pi (Payne and Hanek 1983). */
#include "kernels/lib/elementwise/function_rows.h"

/* A word by its bits, without a load from L2. */
#if ETUDE_ASM
#define WORD(bits_)                                  \
  ({                                                 \
    uint32_t word_;                                  \
    __asm__("li %0, %1" : "=r"(word_) : "i"(bits_)); \
    word_;                                           \
  })
#else
#define WORD(bits_) (bits_)
#endif

/* Quarter turns of x >= pi/4, and in r what is left, at most pi/4 in size. */
static ETUDE_RARE uint32_t quarters(uint32_t bits, const uint32_t* two_over_pi, float* r) {
  const uint32_t m = (bits & 0x007FFFFFu) | 0x00800000u;
  /* x = m 2^k; bits of 2 / pi that give multiples of 4 turns are left out */
  const uint32_t first = (bits >> 23) - 150 + 30, shift = first & 31;
  const uint32_t* from = two_over_pi + (first >> 5);
  uint32_t w[3];
  for (uint32_t i = 0; i < 3; i++) {
    w[i] = from[i] << shift | (shift ? from[i + 1] >> (32 - shift) : 0);
  }
  const uint64_t low = (uint64_t)w[2] * m;
  const uint64_t middle = (uint64_t)w[1] * m + (uint32_t)(low >> 32);
  const uint32_t high = w[0] * m + (uint32_t)(middle >> 32);
  const int32_t part = (int32_t)(high << 2 | (uint32_t)middle >> 30);
  const uint32_t rest = (uint32_t)middle << 2;
  const float fraction = etude_fma((float)(int32_t)(rest >> 8), 0x1p-24f, (float)part);
  *r = fraction * ETUDE_CONSTANT(0x2FC90FDBu);
  return (high >> 30) + (part < 0 ? 1u : 0u);
}

/* The sine `turn` quarters further on. */
static ETUDE_RARE void turned(const float* x, float* y, uint32_t n, uint32_t turn) {
  /* 0, then 2 / pi */
  const uint32_t two_over_pi[] = {0,
                                  WORD(0xA2F9836Eu),
                                  WORD(0x4E441529u),
                                  WORD(0xFC2757D1u),
                                  WORD(0xF534DDC0u),
                                  WORD(0xDB629599u),
                                  WORD(0x3C439041u),
                                  WORD(0xFE5163ABu)};
  for (; n; n--) {
    const float given = *x++;
    const uint32_t distance = etude_bits(given) & 0x7FFFFFFFu;
    uint32_t q = 0;
    float r = etude_from_bits(distance);
    if (distance >= 0x7F800000u) {
      *y++ = ETUDE_CONSTANT(0x7FC00000u);
      continue;
    }
    if (distance >= 0x3F490FDBu) {
      q = quarters(distance, two_over_pi, &r);
    }
    /* sin(-x) = -sin x; the cosine is the sine a quarter further on */
    uint32_t sign = turn ? 0 : etude_bits(given) & 0x80000000u;
    q += turn;
    sign ^= q << 30 & 0x80000000u;
    const float z = r * r;
    float v;
    if (q & 1) {
      v = etude_fma(ETUDE_CONSTANT(0x37CD0067u), z, ETUDE_CONSTANT(0xBAB60643u));
      v = etude_fma(v, z, ETUDE_CONSTANT(0x3D2AAAA5u));
      v = etude_fma(v, z, -0.5f);
      v = etude_fma(v, z, 1.0f);
    } else {
      v = etude_fma(ETUDE_CONSTANT(0xB94CA67Du), z, ETUDE_CONSTANT(0x3C0883AEu));
      v = etude_fma(v, z, ETUDE_CONSTANT(0xBE2AAAA3u));
      v = etude_fma(v * z, r, r);
    }
    *y++ = etude_from_bits(etude_bits(v) ^ sign);
  }
}

static ETUDE_RARE void sine_row(const float* x, float* y, uint32_t n, const uint32_t* p) {
  turned(x, y, n, 0);
}
static ETUDE_RARE void cosine_row(const float* x, float* y, uint32_t n, const uint32_t* p) {
  turned(x, y, n, 1);
}

ETUDE_RARE void etude_sine(const void* args, uint32_t worker, uint32_t workers) {
  etude_for_function_rows(args, worker, workers, sine_row);
}

ETUDE_RARE void etude_cosine(const void* args, uint32_t worker, uint32_t workers) {
  etude_for_function_rows(args, worker, workers, cosine_row);
}
