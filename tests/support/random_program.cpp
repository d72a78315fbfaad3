// SPDX-License-Identifier: Apache-2.0
#include "tests/support/random_program.h"

#include <cstring>

namespace etude::test {
namespace {

using U = std::uint32_t;

U r_type(U opcode, U funct3, U funct7, U rd, U rs1, U rs2) {
  return opcode | rd << 7 | funct3 << 12 | rs1 << 15 | rs2 << 20 | funct7 << 25;
}
U i_type(U opcode, U funct3, U rd, U rs1, int imm) {
  return opcode | rd << 7 | funct3 << 12 | rs1 << 15 | static_cast<U>(imm) << 20;
}
U s_type(U opcode, U funct3, U rs1, U rs2, int imm) {
  const U value = static_cast<U>(imm);
  return opcode | (value & 31) << 7 | funct3 << 12 | rs1 << 15 | rs2 << 20 | (value >> 5) << 25;
}
U branch(U funct3, U rs1, U rs2, int offset) {
  const U value = static_cast<U>(offset);
  return 0x63 | ((value >> 11) & 1) << 7 | ((value >> 1) & 15) << 8 | funct3 << 12 | rs1 << 15 |
         rs2 << 20 | ((value >> 5) & 63) << 25 | (value >> 12) << 31;
}
U jal(U rd, int offset) {
  const U value = static_cast<U>(offset);
  return 0x6f | rd << 7 | ((value >> 12) & 255) << 12 | ((value >> 11) & 1) << 20 |
         ((value >> 1) & 1023) << 21 | (value >> 20) << 31;
}

constexpr U kA0 = 10, kA1 = 11, kTp = 4, kS0 = 8, kRa = 1;

class Generator {
 public:
  explicit Generator(std::mt19937& random) : random_(random) {}

  std::vector<std::uint8_t> make(unsigned length, unsigned passes) {
    emit(i_type(0x13, 0, kS0, 0, static_cast<int>(passes)));
    emit(0x1000F000u | 0x37 | kTp << 7);
    for (U reg = 18; reg < 28; ++reg) {
      const U value = random_();
      emit((value & 0xfffff000u) | 0x37 | reg << 7);
    }
    emit(s_type(0x23, 2, kTp, 0, 0));
    const std::size_t top = words_.size();
    emit(0x10000000u | 0x37 | kA0 << 7);
    emit(0x10001000u | 0x37 | kA1 << 7);
    while (words_.size() < top + length) {
      starts_.push_back(words_.size());
      one();
    }
    for (int i = 0; i < 4; ++i) {
      starts_.push_back(words_.size());
      emit(i_type(0x13, 0, 0, 0, 0));  // where forward branches may land
    }
    resolve();
    emit(i_type(0x13, 0, kS0, kS0, -1));
    emit(branch(1, kS0, 0, -4 * static_cast<int>(words_.size() - top)));
    emit(s_type(0x23, 2, kTp, 0, 4));
    emit(s_type(0x23, 2, kTp, 0, 8));
    emit(jal(0, 0));
    std::vector<std::uint8_t> bytes(words_.size() * 4);
    std::memcpy(bytes.data(), words_.data(), bytes.size());
    return bytes;
  }

 private:
  U pick(U n) { return static_cast<U>(random_() % n); }
  U reg() { return 18 + pick(10); }
  void emit(U word) { words_.push_back(word); }

  /// A branch or jump over the next `skip` groups.
  void emit_forward(U word, unsigned skip) {
    forward_.push_back({words_.size(), starts_.size() + skip});
    emit(word);
  }
  void resolve() {
    for (const auto& [at, group] : forward_) {
      const int offset = 4 * static_cast<int>(starts_[group] - at);
      words_[at] |= (words_[at] & 127) == 0x63 ? branch(0, 0, 0, offset) : jal(0, offset);
    }
  }

  void one() {
    static constexpr U kLoadSizes[] = {0, 1, 2, 4, 5};
    switch (pick(22)) {
      case 0:
      case 1:
      case 2:
        emit(r_type(0x33, pick(8), 0, reg(), reg(), reg()));
        break;
      case 3:
      case 4:
        emit(i_type(0x13, 0, reg(), reg(), static_cast<int>(pick(4096)) - 2048));
        break;
      case 5:
        emit(r_type(0x33, pick(4), 1, reg(), reg(), reg()));  // mul, mulh...
        break;
      case 6:
        emit(r_type(0x33, 4 + pick(4), 1, reg(), reg(), reg()));  // div, rem
        break;
      case 7:
      case 8:
      case 9:
        emit(i_type(0x03, kLoadSizes[pick(5)], reg(), pick(2) ? kA0 : kA1,
                    static_cast<int>(pick(256))));
        break;
      case 10:
      case 11:
        emit(s_type(0x23, pick(3), pick(2) ? kA0 : kA1, reg(), static_cast<int>(pick(256))));
        break;
      case 12:
        emit(i_type(0x0b, 2, reg(), pick(2) ? kA0 : kA1, 4));  // cv.lw post-increment
        break;
      case 13:
        emit(s_type(0x2b, 2, pick(2) ? kA0 : kA1, reg(), 4));  // cv.sw post-increment
        break;
      case 14:
      case 15:
        emit(0x43 | reg() << 7 | reg() << 15 | reg() << 20 | reg() << 27);  // fmadd.s
        break;
      case 16:
        emit(r_type(0x53, 0, pick(3) * 4, reg(), reg(), reg()));  // fadd, fsub, fmul
        break;
      case 17:
        emit(pick(2) ? r_type(0x53, 0, 0x0c, reg(), reg(), reg())  // fdiv
                     : r_type(0x53, 0, 0x2c, reg(), reg(), 0));    // fsqrt
        break;
      case 18:
        emit(pick(2) ? r_type(0x53, pick(3), 0x50, reg(), reg(), reg())  // feq, flt, fle
                     : r_type(0x53, 0, 0x68, reg(), reg(), pick(2)));    // fcvt.s.w
        break;
      case 19:
        emit_forward(branch(pick(2) ? 0 : 5, reg(), reg(), 0), 1 + pick(3));
        break;
      case 20:
        if (pick(2)) {
          emit_forward(jal(pick(2) ? kRa : 0, 0), pick(3));
        } else {  // auipc, addi, jalr to the instruction behind
          emit(0x17 | kRa << 7);
          emit(i_type(0x13, 0, kRa, kRa, 12));
          emit(i_type(0x67, 0, 0, kRa, 0));
        }
        break;
      default:
        emit(i_type(0x73, 2, pick(2) ? reg() : 0, 0, pick(2) ? 0x305 : 0x340));  // csrr
        break;
    }
  }

  std::mt19937& random_;
  std::vector<U> words_;
  std::vector<std::size_t> starts_;  ///< index of the first word of each group
  std::vector<std::pair<std::size_t, std::size_t>> forward_;
};

}  // namespace

std::vector<std::uint8_t> random_program(std::mt19937& random, unsigned length, unsigned passes) {
  return Generator(random).make(length, passes);
}

}  // namespace etude::test
