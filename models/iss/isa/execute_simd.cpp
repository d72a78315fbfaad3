// SPDX-License-Identifier: Apache-2.0
// XCVsimd: packed 16-bit (.h) and 8-bit (.b) integers. Source: CV32E40P user manual v2, "SIMD" and
// "SIMD Complex-number operations".
#include <algorithm>
#include <type_traits>

#include "models/iss/isa/execute.h"
#include "models/iss/isa/op_info.h"

namespace etude::isa {
namespace {

using U = std::uint32_t;
using I = std::int32_t;

// Element types: E is int8_t, uint8_t, int16_t or uint16_t; a word holds kCount of them.
template <class E>
struct Lane {
  static constexpr unsigned kBits = 8 * sizeof(E);
  static constexpr unsigned kCount = 32 / kBits;
  static constexpr U kMask = (1u << kBits) - 1u;
  static I get(U word, unsigned n) { return static_cast<E>(word >> (n * kBits)); }
  static U put(U value, unsigned n) { return (value & kMask) << (n * kBits); }
  static U replicate(U value) { return (value & kMask) * (kBits == 8 ? 0x01010101u : 0x00010001u); }
};

// Second operand: register, its lowest element in every place, or the immediate.
template <class E>
U operand2(const Instr& i, const ArchState& s) {
  if (i.mode == 0) {
    return s.r[i.b];
  }
  return i.mode == 1 ? Lane<E>::replicate(s.r[i.b]) : static_cast<U>(i.imm);
}

// rd[k] = F(rs1[k], op2[k]) on elements read as E; the result is cut to the element.
template <class E, I (*F)(I, I)>
void lanes(const Instr& i, ArchState& s) {
  const U a = s.r[i.a];
  const U b = operand2<E>(i, s);
  U result = 0;
  for (unsigned k = 0; k < Lane<E>::kCount; ++k) {
    result |= Lane<E>::put(static_cast<U>(F(Lane<E>::get(a, k), Lane<E>::get(b, k))), k);
  }
  s.r[i.d] = result;
}

I add(I a, I b) { return a + b; }
I sub(I a, I b) { return a - b; }
I min(I a, I b) { return std::min(a, b); }
I max(I a, I b) { return std::max(a, b); }
I or_(I a, I b) { return a | b; }
I xor_(I a, I b) { return a ^ b; }
I and_(I a, I b) { return a & b; }
// The sum is cut to the element before it is halved.
template <class E>
I avg(I a, I b) {
  return static_cast<E>(a + b) >> 1;
}
template <class E>
I shift_right(I a, I b) {
  return a >> (b & static_cast<I>(Lane<E>::kBits - 1));
}
template <class E>
I shift_left(I a, I b) {
  return static_cast<I>(static_cast<U>(a) << (b & static_cast<I>(Lane<E>::kBits - 1)));
}
I eq(I a, I b) { return a == b ? -1 : 0; }
I ne(I a, I b) { return a != b ? -1 : 0; }
I gt(I a, I b) { return a > b ? -1 : 0; }
I ge(I a, I b) { return a >= b ? -1 : 0; }
I lt(I a, I b) { return a < b ? -1 : 0; }
I le(I a, I b) { return a <= b ? -1 : 0; }

template <class E>
void lane_abs(const Instr& i, ArchState& s) {
  U result = 0;
  for (unsigned k = 0; k < Lane<E>::kCount; ++k) {
    const I value = Lane<E>::get(s.r[i.a], k);
    result |= Lane<E>::put(static_cast<U>(value < 0 ? -value : value), k);
  }
  s.r[i.d] = result;
}

// Sum of products; rs1 is read as A, operand 2 as B.
template <class A, class B, bool kAccumulate>
void dot(const Instr& i, ArchState& s) {
  const U a = s.r[i.a];
  const U b = operand2<B>(i, s);
  U sum = kAccumulate ? s.r[i.c] : 0;
  for (unsigned k = 0; k < Lane<A>::kCount; ++k) {
    sum += static_cast<U>(Lane<A>::get(a, k)) * static_cast<U>(Lane<B>::get(b, k));
  }
  s.r[i.d] = sum;
}

template <class E>
unsigned lane_number(const Instr& i) {
  return static_cast<unsigned>(i.imm) & (Lane<E>::kCount - 1);
}
template <class E>
void lane_extract(const Instr& i, ArchState& s) {
  s.r[i.d] = static_cast<U>(Lane<E>::get(s.r[i.a], lane_number<E>(i)));
}
template <class E>
void lane_insert(const Instr& i, ArchState& s) {
  const unsigned n = lane_number<E>(i);
  s.r[i.d] = (s.r[i.c] & ~Lane<E>::put(~0u, n)) | Lane<E>::put(s.r[i.a], n);
}

// Element k of the result is the element of rs1 that element k of operand 2 names.
template <class E>
void shuffle(const Instr& i, ArchState& s) {
  const U a = s.r[i.a];
  const U b = i.mode == 2 ? static_cast<U>(i.imm) : s.r[i.b];
  U result = 0;
  for (unsigned k = 0; k < Lane<E>::kCount; ++k) {
    const auto from = static_cast<unsigned>(Lane<E>::get(b, k)) & (Lane<E>::kCount - 1);
    result |= Lane<E>::put(static_cast<U>(Lane<E>::get(a, from)), k);
  }
  s.r[i.d] = result;
}
// The same from two words: the bit above the element number picks rs1 (1) or the old rd (0).
template <class E>
void shuffle2(const Instr& i, ArchState& s) {
  const U a = s.r[i.a];
  const U b = s.r[i.b];
  const U old = s.r[i.c];
  U result = 0;
  for (unsigned k = 0; k < Lane<E>::kCount; ++k) {
    const auto select = static_cast<unsigned>(Lane<E>::get(b, k));
    const U word = (select & Lane<E>::kCount) != 0 ? a : old;
    result |= Lane<E>::put(static_cast<U>(Lane<E>::get(word, select & (Lane<E>::kCount - 1))), k);
  }
  s.r[i.d] = result;
}

void pack(const Instr& i, ArchState& s) { s.r[i.d] = s.r[i.a] << 16 | (s.r[i.b] & 0xffffu); }
void pack_h(const Instr& i, ArchState& s) { s.r[i.d] = (s.r[i.a] & 0xffff0000u) | s.r[i.b] >> 16; }
void packlo(const Instr& i, ArchState& s) {
  s.r[i.d] = (s.r[i.c] & 0xffff0000u) | (s.r[i.a] & 0xffu) << 8 | (s.r[i.b] & 0xffu);
}
void packhi(const Instr& i, ArchState& s) {
  s.r[i.d] = (s.r[i.c] & 0x0000ffffu) | (s.r[i.a] & 0xffu) << 24 | (s.r[i.b] & 0xffu) << 16;
}

// ---- complex numbers: real part in the low half, imaginary part in the high half
U re(U word) { return static_cast<U>(static_cast<std::int16_t>(word)); }
U im(U word) { return static_cast<U>(static_cast<std::int16_t>(word >> 16)); }
U halves(U high, U low) { return high << 16 | (low & 0xffffu); }
// A 16-bit value shifted right arithmetically.
U scaled(U value, unsigned n) { return static_cast<U>(static_cast<std::int16_t>(value) >> n); }
// A product sum wraps at 32 bits, then bits 15 + n and up remain.
U product_scaled(U sum, unsigned n) { return static_cast<U>(static_cast<I>(sum) >> (15 + n)); }

void cplxmul_r(const Instr& i, ArchState& s) {
  const U a = s.r[i.a];
  const U b = s.r[i.b];
  s.r[i.d] = halves(s.r[i.c] >> 16, product_scaled(re(a) * re(b) - im(a) * im(b), i.mode));
}
void cplxmul_i(const Instr& i, ArchState& s) {
  const U a = s.r[i.a];
  const U b = s.r[i.b];
  s.r[i.d] = halves(product_scaled(re(a) * im(b) + im(a) * re(b), i.mode), s.r[i.c]);
}
void cplxconj(const Instr& i, ArchState& s) {
  const U a = s.r[i.a];
  s.r[i.d] = halves(0u - im(a), a);
}
void subrotmj(const Instr& i, ArchState& s) {
  const U a = s.r[i.a];
  const U b = s.r[i.b];
  s.r[i.d] = halves(scaled(re(b) - re(a), i.mode), scaled(im(a) - im(b), i.mode));
}
void add_div(const Instr& i, ArchState& s) {
  const U a = s.r[i.a];
  const U b = s.r[i.b];
  s.r[i.d] = halves(scaled(im(a) + im(b), i.mode), scaled(re(a) + re(b), i.mode));
}
void sub_div(const Instr& i, ArchState& s) {
  const U a = s.r[i.a];
  const U b = s.r[i.b];
  s.r[i.d] = halves(scaled(im(a) - im(b), i.mode), scaled(re(a) - re(b), i.mode));
}

// The handlers of element size S (signed) and its unsigned fellow; `size` is 0 for .h, 1 for .b.
template <class S>
void set_size(HandlerTable& table, unsigned size) {
  using N = std::make_unsigned_t<S>;
  const auto set = [&table, size](Op half_op, Handler handler) {
    table[static_cast<unsigned>(nth(half_op, size))] = handler;
  };
  set(Op::kCvAddH, lanes<S, add>);
  set(Op::kCvSubH, lanes<S, sub>);
  set(Op::kCvAvgH, lanes<S, avg<S>>);
  set(Op::kCvAvguH, lanes<N, avg<N>>);
  set(Op::kCvMinH, lanes<S, min>);
  set(Op::kCvMinuH, lanes<N, min>);
  set(Op::kCvMaxH, lanes<S, max>);
  set(Op::kCvMaxuH, lanes<N, max>);
  set(Op::kCvSrlH, lanes<N, shift_right<N>>);
  set(Op::kCvSraH, lanes<S, shift_right<S>>);
  set(Op::kCvSllH, lanes<N, shift_left<N>>);
  set(Op::kCvOrH, lanes<N, or_>);
  set(Op::kCvXorH, lanes<N, xor_>);
  set(Op::kCvAndH, lanes<N, and_>);
  set(Op::kCvCmpeqH, lanes<S, eq>);
  set(Op::kCvCmpneH, lanes<S, ne>);
  set(Op::kCvCmpgtH, lanes<S, gt>);
  set(Op::kCvCmpgeH, lanes<S, ge>);
  set(Op::kCvCmpltH, lanes<S, lt>);
  set(Op::kCvCmpleH, lanes<S, le>);
  set(Op::kCvCmpgtuH, lanes<N, gt>);
  set(Op::kCvCmpgeuH, lanes<N, ge>);
  set(Op::kCvCmpltuH, lanes<N, lt>);
  set(Op::kCvCmpleuH, lanes<N, le>);
  set(Op::kCvAbsH, lane_abs<S>);
  set(Op::kCvDotupH, dot<N, N, false>);
  set(Op::kCvDotuspH, dot<N, S, false>);
  set(Op::kCvDotspH, dot<S, S, false>);
  set(Op::kCvSdotupH, dot<N, N, true>);
  set(Op::kCvSdotuspH, dot<N, S, true>);
  set(Op::kCvSdotspH, dot<S, S, true>);
  set(Op::kCvExtractH, lane_extract<S>);
  set(Op::kCvExtractuH, lane_extract<N>);
  set(Op::kCvInsertH, lane_insert<N>);
  set(Op::kCvShuffleH, shuffle<N>);
  set(Op::kCvShuffle2H, shuffle2<N>);
}

}  // namespace

void add_simd_handlers(HandlerTable& table) {
  set_size<std::int16_t>(table, 0);
  set_size<std::int8_t>(table, 1);
  const auto set = [&table](Op op, Handler handler) { table[static_cast<unsigned>(op)] = handler; };
  for (unsigned n = 0; n < 4; ++n) {
    set(nth(Op::kCvShuffleI0B, n), shuffle<std::uint8_t>);
  }
  set(Op::kCvPack, pack);
  set(Op::kCvPackH, pack_h);
  set(Op::kCvPackloB, packlo);
  set(Op::kCvPackhiB, packhi);
  set(Op::kCvCplxmulR, cplxmul_r);
  set(Op::kCvCplxmulI, cplxmul_i);
  set(Op::kCvCplxconj, cplxconj);
  set(Op::kCvSubrotmj, subrotmj);
  set(Op::kCvAddDiv, add_div);
  set(Op::kCvSubDiv, sub_div);
}

}  // namespace etude::isa
