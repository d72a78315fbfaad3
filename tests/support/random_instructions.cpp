// SPDX-License-Identifier: Apache-2.0
#include "tests/support/random_instructions.h"

#include "tests/support/instruction_words.h"

namespace etude::test {

using U = std::uint32_t;

void RandomInstructions::emit16(U half) {
  bytes_.push_back(static_cast<std::uint8_t>(half));
  bytes_.push_back(static_cast<std::uint8_t>(half >> 8));
}

void RandomInstructions::emit(U word) {
  emit16(word & 0xffff);
  emit16(word >> 16);
}

void RandomInstructions::or_at(U at, U bits, bool compressed) {
  for (unsigned i = 0; i < (compressed ? 2u : 4u); ++i) {
    bytes_[at - base_ + i] |= static_cast<std::uint8_t>(bits >> (8 * i));
  }
}

void RandomInstructions::align4() {
  if ((here() & 2u) != 0) {
    emit16(0x0001);
  }
}

void RandomInstructions::straight() {
  switch (pick(23)) {
    case 0:
    case 1:
    case 2:
      for (U n = 1 + pick(8); n > 0; --n) {
        alu();
      }
      break;
    case 3:
    case 4:
      for (U n = 1 + pick(4); n > 0; --n) {
        memory();
        if (pick(2)) {
          alu();
        }
      }
      break;
    case 5:
      memory();
      break;
    case 6:
      emit(r_type(0x33, 1 + pick(3), 1, value(), value(), value()));  // mulh...
      break;
    case 7:
    case 8:
      emit(r_type(0x33, 4 + pick(4), 1, value(), value(), value()));  // div, rem
      if (pick(2)) {
        alu();
      }
      break;
    case 9:
    case 10:
      for (U n = 1 + pick(6); n > 0; --n) {
        fp();
      }
      break;
    case 11:
      emit(i_type(0x73, 2, value(), 0, pick(2) ? 0x340 : pick(2) ? 0x305 : 0xb00 - 4096));
      break;
    case 12:
      for (U n = 4 + pick(24); n > 0; --n) {  // straight code over several lines
        alu();
      }
      break;
    case 13:
    case 14:
      hardware_loop();
      break;
    case 15:
    case 16:
    case 17:
      for (U n = 1 + pick(3); n > 0; --n) {
        pick(3) == 0 ? memory() : pick(2) ? fp() : alu();
      }
      break;
    case 18:
      for (U n = 1 + pick(4); n > 0; --n) {
        post_increment();
      }
      break;
    case 19:
    case 20:
      for (U n = 1 + pick(6); n > 0; --n) {
        corev();
      }
      break;
    case 21:
      pick(2) ? critical_section() : software_event();
      break;
    default:
      timer();
      break;
  }
}

void RandomInstructions::alu() {
  const U short_value = pick(4);  // a2..a5 in compressed registers
  switch (pick(9)) {
    case 0:
      emit16(0x0001 | value() << 7 | (1 + pick(31)) << 2);  // c.addi
      break;
    case 1:
      emit16(0x9002 | value() << 7 | value() << 2);  // c.add
      break;
    case 2:
      emit16(0x8002 | value() << 7 | value() << 2);  // c.mv
      break;
    case 3:
      emit16(0x8c01 | (4 + short_value) << 7 | pick(4) << 5 | (4 + pick(4)) << 2);  // c.sub...
      break;
    case 4:
      emit16(0x4001 | value() << 7 | pick(32) << 2);  // c.li
      break;
    case 5:
      emit(r_type(0x33, pick(8), 0, value(), value(), value()));
      break;
    case 6:
      emit(i_type(0x13, 0, value(), value(), static_cast<int>(pick(4096)) - 2048));
      break;
    case 7:
      emit(r_type(0x33, 0, 1, value(), value(), value()));  // mul
      break;
    default:
      emit(pick(2) ? lui(value(), random_()) : 0x17 | value() << 7 | pick(16) << 12);
      break;
  }
}

void RandomInstructions::memory() {
  static constexpr U kLoadSizes[] = {0, 1, 2, 2, 2, 4, 5};
  const U offset = pick(32);  // compressed: a word index
  const U c_offset = ((offset >> 1) & 7) << 10 | (offset & 1) << 6 | (offset >> 4) << 5;
  const auto any = static_cast<int>(pick(3) ? pick(64) * 4 : pick(256));
  switch (pick(9)) {
    case 0:
    case 1:
      emit16(0x4000 | c_offset | (pointer() - 8) << 7 | (4 + pick(4)) << 2);  // c.lw
      break;
    case 2:
      emit16(0xc000 | c_offset | (pointer() - 8) << 7 | (4 + pick(4)) << 2);  // c.sw
      break;
    case 3:
    case 4:
      emit(i_type(0x03, kLoadSizes[pick(7)], value(), pointer(), any));
      break;
    case 5:
      emit(s_type(0x23, pick(3), pointer(), value(), any));
      break;
    case 6:
    case 7:
      emit(i_type(0x0b, 2, value(), pointer(), 4));  // cv.lw post-increment
      break;
    default:
      emit(s_type(0x2b, 2, pointer(), value(), 4));  // cv.sw post-increment
      break;
  }
}

void RandomInstructions::fp() {
  switch (pick(6)) {
    case 0:
    case 1:
      emit(0x43 | value() << 7 | value() << 15 | value() << 20 | value() << 27);  // fmadd.s
      break;
    case 2:
    case 3:
      emit(r_type(0x53, 0, pick(3) * 4, value(), value(), value()));  // fadd, fsub, fmul
      break;
    case 4:
      emit(pick(2) ? r_type(0x53, 0, 0x0c, value(), value(), value())  // fdiv
                   : r_type(0x53, 0, 0x2c, value(), value(), 0));      // fsqrt
      break;
    default:
      emit(pick(2) ? r_type(0x53, pick(3), 0x50, value(), value(), value())  // feq, flt, fle
                   : r_type(0x53, 0, 0x68, value(), value(), pick(2)));      // fcvt.s.w
      break;
  }
}

// cv.setup, or the three single set-ups, of a body of 3 to 14 words; now and then one in another.
void RandomInstructions::hardware_loop() {
  align4();
  const bool nested = pick(4) == 0;
  const U inner = 3 + pick(nested ? 5 : 12);
  const U before = nested ? pick(3) : 0;
  const U after = nested ? 3 + pick(3) : 0;
  if (nested) {
    setup(1, before + 2 + inner + after, 2 + static_cast<int>(pick(3)));
    body(before);
  }
  setup(0, inner, 1 + static_cast<int>(pick(6)));
  body(inner);
  body(after);
}

void RandomInstructions::setup(U loop, U words, int passes) {
  emit(i_type(0x13, 0, kT1, 0, passes));
  emit(i_type(0x2b, 4, 14 + loop, kT1, static_cast<int>(words + 1)));  // cv.setup
}

void RandomInstructions::body(U words) {
  for (U i = 0; i < words; ++i) {
    switch (pick(8)) {
      case 0:
        emit(i_type(0x03, 2, value(), pointer(), static_cast<int>(pick(64) * 4)));
        break;
      case 1:
        emit(i_type(0x0b, 2, value(), pointer(), 4));
        break;
      case 2:
        emit(s_type(0x23, 2, pointer(), value(), static_cast<int>(pick(64) * 4)));
        break;
      case 3:
        emit(r_type(0x33, 4 + pick(4), 1, value(), value(), value()));
        break;
      case 4:
      case 5:
        emit(0x43 | value() << 7 | value() << 15 | value() << 20 | value() << 27);
        break;
      default:
        emit(r_type(0x33, pick(8), 0, value(), value(), value()));
        break;
    }
  }
}

// Loads and stores with an increment, an increment in a register, an index in a register; often the
// same destination twice.
void RandomInstructions::post_increment() {
  static constexpr U kSizes[] = {0, 1, 2, 2, 4, 5};
  const U rd = value();
  const U at = pointer();
  for (U n = 1 + pick(2); n > 0; --n) {
    switch (pick(5)) {
      case 0:
        emit(i_type(0x0b, kSizes[pick(6)], rd, at, static_cast<int>(pick(8))));
        break;
      case 1:
        emit(s_type(0x2b, pick(3), at, value(), static_cast<int>(pick(8))));
        break;
      default: {  // by a register that was just made small
        const U by = value();
        emit(i_type(0x13, 0, by, 0, static_cast<int>(pick(8))));
        const bool store = pick(3) == 0;
        const U kind = pick(3) + (pick(2) ? 4 : 0) + (store ? 0x10 : pick(2) ? 8 : 0);
        const U unsigned_word = kind & ~0x18u;
        const U funct7 = (kind & 8) != 0 && (unsigned_word & 3) == 2 ? kind & ~8u : kind;
        emit(store ? r_type(0x2b, 3, funct7, by, at, value())
                   : r_type(0x2b, 3, funct7, rd, at, by));
        break;
      }
    }
  }
}

void RandomInstructions::corev() {
  static constexpr U kAlu[] = {0x20, 0x21, 0x24, 0x28, 0x2b, 0x2c, 0x2d, 0x2e, 0x30, 0x3a};
  static constexpr U kOneOperand = 1u << 1 | 1u << 2 | 1u << 3 | 1u << 8;
  switch (pick(5)) {
    case 0: {
      const U n = pick(10);
      emit(r_type(0x2b, 3, kAlu[n], value(), value(), (kOneOperand >> n & 1) != 0 ? 0 : value()));
      break;
    }
    case 1:
      emit(r_type(0x2b, 3, 0x48 + pick(2), value(), value(), value()));  // cv.mac, cv.msu
      break;
    case 2:
      emit(r_type(0x5b, pick(2) ? 6 : 4, pick(16), value(), value(), value()));  // cv.macsn, mulsn
      break;
    case 3:
      emit(r_type(0x7b, pick(2), pick(2) ? 0x54 : 0x4c, value(), value(), value()));  // cv.sdotsp
      break;
    default:
      emit(r_type(0x7b, pick(2), pick(2) ? 0x00 : 0x18, value(), value(), value()));  // cv.add, max
      break;
  }
}

// The mutex is taken and given back; waits with rd = rs1 too.
void RandomInstructions::critical_section() {
  emit(lui(kT0, 0x10204000));
  emit(lui(kT1, 0x00020000));
  emit(s_type(0x23, 2, kT0, kT1, 0));  // mask: the mutex
  const bool own = pick(2) != 0;
  emit(i_type(0x0b, 3, own ? kT0 : kT1, kT0, 0xc0));  // cv.elw
  for (U n = pick(6); n > 0; --n) {
    pick(2) ? memory() : alu();
  }
  if (own) {
    emit(lui(kT0, 0x10204000));
  }
  emit(s_type(0x23, 2, kT0, value(), 0xc0));
}

// An event to all, itself included, and a wait for it.
void RandomInstructions::software_event() {
  emit(lui(kT0, 0x10204000));
  emit(i_type(0x13, 0, kT1, 0, 1));
  emit(s_type(0x23, 2, kT0, kT1, 0));
  emit(s_type(0x23, 2, kT0, 0, 0x100));
  if (pick(2)) {
    alu();
  }
  emit(i_type(0x0b, 3, pick(2) ? kT0 : kT1, kT0, 0x3c));
}

// The timer runs, is read and stopped: peripherals that answer with the cycle.
void RandomInstructions::timer() {
  emit(lui(kT0, 0x10200000));
  if (pick(2)) {
    emit(i_type(0x13, 0, kT1, 0, static_cast<int>(pick(2))));
    emit(s_type(0x23, 2, kT0, kT1, 0x400));
  }
  for (U n = pick(3); n > 0; --n) {
    alu();
  }
  emit(i_type(0x03, 2, value(), kT0, 0x408));
}

}  // namespace etude::test
