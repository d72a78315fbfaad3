// SPDX-License-Identifier: Apache-2.0
#include "tests/support/random_code.h"

#include <stdexcept>

#include "tests/support/instruction_words.h"
#include "tests/support/random_instructions.h"

namespace etude::test {
namespace {

using U = std::uint32_t;

// s0 counts passes, s1 a loop; the other registers: RandomInstructions.

class Generator : public RandomInstructions {
 public:
  Generator(std::mt19937& random, const RandomCodeOptions& options)
      : RandomInstructions(random, options.base), random_(random), options_(options) {}

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
    return bytes();
  }

 private:
  enum class Form { kBranch, kJal, kCompressedBranch, kCompressedJump, kFar };
  struct Forward {
    U at;
    std::size_t label;
    Form form;
  };

  void label() { labels_.push_back(here()); }
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
    if (!may_call || pick(4) != 0) {
      return straight();
    }
    switch (pick(6)) {
      case 0:
      case 1:
        branch();
        break;
      case 2:
        jump();
        break;
      case 3:
        call();
        break;
      case 4:
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
        switch (pick(6)) {
          case 0:
          case 1:
            emit16(0x8002 | kT1 << 7);  // c.jr
            break;
          case 2:
            emit16(0x9002 | kT1 << 7);  // c.jalr
            break;
          default:  // its own register at times
            emit(i_type(0x67, 0, pick(3) == 0 ? kT1 : pick(2) ? kRa : 0, kT1, 0));
            break;
        }
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
