/* SPDX-License-Identifier: Apache-2.0
 * What the compiler may call and a C library would give: block moves and 64-bit division. */
#include <stddef.h>
#include <stdint.h>

void* memset(void* dst, int value, size_t n) {
  unsigned char* d = dst;
  for (; n; n--) {
    *d++ = (unsigned char)value;
  }
  return dst;
}

void* memcpy(void* restrict dst, const void* restrict src, size_t n) {
  unsigned char* d = dst;
  const unsigned char* s = src;
  if ((((uintptr_t)d | (uintptr_t)s) & 3) == 0) {
    for (; n >= 4; n -= 4, d += 4, s += 4) {
      *(uint32_t*)(void*)d = *(const uint32_t*)(const void*)s;
    }
  }
  for (; n; n--) {
    *d++ = *s++;
  }
  return dst;
}

void* memmove(void* dst, const void* src, size_t n) {
  unsigned char* d = dst;
  const unsigned char* s = src;
  if (d <= s) {
    return memcpy(dst, src, n);
  }
  while (n) {
    n--;
    d[n] = s[n];
  }
  return dst;
}

/* Shift and subtract; 32-bit operands go to the core's divider. */
static uint64_t divide(uint64_t a, uint64_t b, uint64_t* remainder) {
  if ((a >> 32) == 0 && (b >> 32) == 0) {
    *remainder = (uint32_t)a % (uint32_t)b;
    return (uint32_t)a / (uint32_t)b;
  }
  uint64_t quotient = 0, rest = 0;
  for (int bit = 63; bit >= 0; bit--) {
    rest = rest << 1 | (a >> bit & 1);
    if (rest >= b) {
      rest -= b;
      quotient |= (uint64_t)1 << bit;
    }
  }
  *remainder = rest;
  return quotient;
}

uint64_t __udivdi3(uint64_t a, uint64_t b) {
  uint64_t rest;
  return divide(a, b, &rest);
}

uint64_t __umoddi3(uint64_t a, uint64_t b) {
  uint64_t rest;
  divide(a, b, &rest);
  return rest;
}

int64_t __divdi3(int64_t a, int64_t b) {
  uint64_t rest;
  const uint64_t quotient =
      divide(a < 0 ? 0 - (uint64_t)a : (uint64_t)a, b < 0 ? 0 - (uint64_t)b : (uint64_t)b, &rest);
  return (int64_t)((a < 0) != (b < 0) ? 0 - quotient : quotient);
}

int64_t __moddi3(int64_t a, int64_t b) {
  uint64_t rest;
  divide(a < 0 ? 0 - (uint64_t)a : (uint64_t)a, b < 0 ? 0 - (uint64_t)b : (uint64_t)b, &rest);
  return (int64_t)(a < 0 ? 0 - rest : rest);
}
