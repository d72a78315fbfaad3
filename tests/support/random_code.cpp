// SPDX-License-Identifier: Apache-2.0
#include "tests/support/random_code.h"

#include <stdexcept>

#include "tests/support/instruction_words.h"

namespace etude::test {
namespace {

using U = std::uint32_t;

constexpr U kRa = 1, kSp = 2, kGp = 3, kTp = 4, kT0 = 5, kT1 = 6, kS0 = 8, kS1 = 9, kA0 = 10,
            kA1 = 11, kA2 = 12;
// Values live in a2..a5 (within reach of compressed instructions) and s2..s11; a0 and a1 point into
// the data; s0 counts passes, s1 a loop; sp and gp hold where data begin, tp a word of the hart's
// own; t0 and t1 are scratch.

class Generator {
 public:
  Generator(std::mt19937& random, const RandomCodeOptions& options)
      : random_(random), options_(options) {}

  std::vector<std::uint8_t> make() {
    begin();
    const U top = here();
    emit(i_type(0x13, 0, kA0, kSp, 0));
    emit(i_type(0x13, 0, kA1, kGp, 0));
    // Harts enter at different groups in the first pass.
    std::vector<std::pair<U, unsigned>> entries;
    for (unsigned hart = 1; hart < options_.harts; ++hart) {
      if (pick(2) != 0) {
        emit(i_type(0x13, 0, kT1, 0, static_cast<int>(hart)));
        forward_.push_back({here(), labels_.size() + pick(6), Form::kBranch});
        emit(0x63 | kT0 << 15 | kT1 << 20);  // beq t0,t1
      }
    }
    for (unsigned g = 0; g < options_.groups; ++g) {
      label();
      if (loop_top_ != 0 && --loop_left_ == 0) {
        close_loop();
      } else {
        group(true);
      }
    }
    if (loop_top_ != 0) {
      label();
      close_loop();
    }
    for (int i = 0; i < 8; ++i) {
      label();
      emit16(0x0001);  // where forward branches may land
    }
    emit(i_type(0x13, 0, kT0, 0, 0));  // the second pass begins at the first group
    emit(i_type(0x13, 0, kS0, kS0, -1));
    const int back = static_cast<int>(top - (here() + 4));
    emit(0x63 | kS0 << 15 | 8 << 7);  // beqz s0,8: over the jump
    emit(0x6f | jal_bits(back));
    finish();
    functions();
    resolve();
    return bytes_;
  }

 private:
  enum class Form { kBranch, kJal, kCompressedBranch, kCompressedJump, kFar };
  struct Forward {
    U at;
    std::size_t label;
    Form form;
  };

  U pick(U n) { return static_cast<U>(random_() % n); }
  U value() { return pick(3) == 0 ? 18 + pick(10) : kA2 + pick(4); }
  U pointer() { return pick(2) ? kA0 : kA1; }
  U here() const { return options_.base + static_cast<U>(bytes_.size()); }
  void emit16(U half) {
    bytes_.push_back(static_cast<std::uint8_t>(half));
    bytes_.push_back(static_cast<std::uint8_t>(half >> 8));
  }
  void emit(U word) {
    emit16(word & 0xffff);
    emit16(word >> 16);
  }
  void label() { labels_.push_back(here()); }
  void align4() {
    if ((here() & 2u) != 0) {
      emit16(0x0001);
    }
  }
  void or_at(U at, U bits, bool compressed) {
    for (unsigned i = 0; i < (compressed ? 2u : 4u); ++i) {
      bytes_[at - options_.base + i] |= static_cast<std::uint8_t>(bits >> (8 * i));
    }
  }

  void begin() {
    emit(i_type(0x73, 2, kT0, 0, 0xf14 - 4096));  // csrr t0,mhartid
    emit(i_type(0x13, 7, kT0, kT0, 31));
    emit(i_type(0x13, 0, kS0, 0, static_cast<int>(options_.passes)));
    emit(lui(kSp, 0x10000000));
    emit(lui(kGp, 0x10001000));
    emit(lui(kTp, 0x10020000));
    emit(i_type(0x13, 1, kT1, kT0, 13));  // slli: 8 KiB for each hart
    emit(r_type(0x33, 0, 0, kTp, kTp, kT1));
    if (!options_.shared_data) {
      emit(r_type(0x33, 0, 0, kSp, kSp, kT1));
      emit(r_type(0x33, 0, 0, kGp, kGp, kT1));
    }
    for (U reg = kA2; reg < kA2 + 4; ++reg) {
      emit(lui(reg, random_()));
    }
    for (U reg = 18; reg < 28; ++reg) {
      emit(lui(reg, random_()));
    }
  }

  // Hart 0 waits a while and ends the run; the others go round for ever.
  void finish() {
    emit(i_type(0x73, 2, kT0, 0, 0xf14 - 4096));
    emit(i_type(0x13, 7, kT0, kT0, 31));
    emit(0x63 | kT0 << 15 | 8 << 7);  // beqz t0,8
    emit(0x6f);                       // j .
    emit(i_type(0x13, 0, kT1, 0, 500));
    emit(i_type(0x13, 0, kT1, kT1, -1));
    emit(0x63 | 1 << 12 | kT1 << 15 | branch_bits(-4));
    emit(lui(kTp, 0x1A104000));
    emit(lui(kT1, 0x80000000));
    emit(s_type(0x23, 2, kTp, kT1, 0xa0));
    emit(0x6f);
  }

  void group(bool may_call) {
    switch (pick(may_call ? 24 : 18)) {
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
      case 19:
        branch();
        break;
      case 20:
        jump();
        break;
      case 21:
        call();
        break;
      case 22:
        if (loop_top_ == 0) {
          emit(i_type(0x13, 0, kS1, 0, 2 + static_cast<int>(pick(5))));
          loop_top_ = here();
          loop_left_ = 2 + pick(5);
        }
        break;
      default:
        emit(pick(4) ? 0x0000000fu : 0x0000100fu);  // fence, fence.i
        break;
    }
  }

  void alu() {
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

  void memory() {
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

  void fp() {
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
  void hardware_loop() {
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
  void setup(U loop, U words, int passes) {
    emit(i_type(0x13, 0, kT1, 0, passes));
    emit(i_type(0x2b, 4, 14 + loop, kT1, static_cast<int>(words + 1)));  // cv.setup
  }
  void body(U words) {
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

  void branch() {
    const std::size_t target = labels_.size() + 1 + pick(3);
    if (pick(2)) {
      forward_.push_back({here(), target, Form::kBranch});
      static constexpr U kConditions[] = {0, 1, 4, 5, 6, 7};
      emit(0x63 | kConditions[pick(6)] << 12 | value() << 15 | value() << 20);
    } else {
      forward_.push_back({here(), labels_.size() + pick(2), Form::kCompressedBranch});
      emit16((pick(2) ? 0xc001u : 0xe001u) | (4 + pick(4)) << 7);
    }
  }

  void jump() {
    const std::size_t target = labels_.size() + pick(4);
    switch (pick(4)) {
      case 0:
        forward_.push_back({here(), target, Form::kJal});
        emit(0x6f | (pick(2) ? kRa : 0) << 7);
        break;
      case 1:
        forward_.push_back({here(), target, Form::kCompressedJump});
        emit16(0xa001);
        break;
      default: {  // jalr, its register just written, loaded or long there
        forward_.push_back({here(), target, Form::kFar});
        emit(0x17 | kT1 << 7);
        emit(i_type(0x13, 0, kT1, kT1, 0));
        if (pick(3) == 0) {  // through memory
          emit(s_type(0x23, 2, kTp, kT1, 0));
          emit(i_type(0x03, 2, kT1, kTp, 0));
        }
        for (U n = pick(4); n > 0; --n) {
          alu();
        }
        pick(2) ? emit16(0x8002 | kT1 << 7) : emit(i_type(0x67, 0, pick(2) ? kRa : 0, kT1, 0));
        break;
      }
    }
    if (pick(3) == 0) {
      for (U n = 1 + pick(12); n > 0; --n) {
        emit16(static_cast<U>(random_()));  // not executed
      }
    }
  }

  // Functions stand behind the program; which is known later.
  void call() {
    calls_.push_back(here());
    emit(0x17 | kRa << 7);
    emit(i_type(0x67, 0, kRa, kRa, 0));
  }
  void functions() {
    std::vector<U> starts;
    for (int f = 0; f < 6; ++f) {
      for (U n = pick(40); n > 0; --n) {
        emit16(0x0001);
      }
      starts.push_back(here());
      label();
      for (U n = pick(3); n > 0; --n) {
        group(false);
      }
      pick(2) ? emit16(0x8082) : emit(0x67 | kRa << 15);
    }
    for (const U at : calls_) {
      far(at, starts[pick(6)]);
    }
  }

  void close_loop() {
    emit(i_type(0x13, 0, kS1, kS1, -1));
    emit(0x63 | 4 << 12 | 0 << 15 | kS1 << 20 |
         branch_bits(static_cast<int>(loop_top_ - here())));  // blt x0,s1
    loop_top_ = 0;
  }

  /// auipc at `at` and the 12-bit immediate behind it lead to `target`.
  void far(U at, U target) {
    const U offset = target - at;
    or_at(at, (offset + 0x800) & 0xfffff000u, false);
    or_at(at + 4, offset << 20, false);
  }

  void resolve() {
    for (const Forward& f : forward_) {
      const U target = labels_.at(f.label);
      const int offset = static_cast<int>(target - f.at);
      switch (f.form) {
        case Form::kBranch:
          check(offset, 4096);
          or_at(f.at, branch_bits(offset), false);
          break;
        case Form::kJal:
          or_at(f.at, jal_bits(offset), false);
          break;
        case Form::kCompressedBranch:
          check(offset, 256);
          or_at(f.at, c_branch_bits(offset), true);
          break;
        case Form::kCompressedJump:
          check(offset, 2048);
          or_at(f.at, c_jump_bits(offset), true);
          break;
        case Form::kFar:
          far(f.at, target);
          break;
      }
    }
  }
  static void check(int offset, int limit) {
    if (offset >= limit) {
      throw std::logic_error("random code: a branch does not reach its target");
    }
  }

  std::mt19937& random_;
  const RandomCodeOptions options_;
  std::vector<std::uint8_t> bytes_;
  std::vector<U> labels_;  ///< address of each group
  std::vector<Forward> forward_;
  std::vector<U> calls_;
  U loop_top_{0};
  U loop_left_{0};
};

}  // namespace

std::vector<std::uint8_t> random_code(std::mt19937& random, const RandomCodeOptions& options) {
  return Generator(random, options).make();
}

}  // namespace etude::test
