// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "models/iss/isa/instr.h"

namespace etude {

/// A result that a neighbouring instruction may have to wait for.
struct Hazard {
  std::uint64_t packed{0xff};  // one word, since it is copied with each load and FP operation

  static Hazard of(std::uint64_t ready, std::uint8_t reg, bool fp) {
    return {ready << 16 | (fp ? 0x100u : 0u) | reg};
  }
  /// First EX cycle in which a consumer finds it.
  std::uint64_t ready() const { return packed >> 16; }
  std::uint8_t reg() const { return static_cast<std::uint8_t>(packed); }
  bool fp() const { return (packed & 0x100u) != 0; }
  /// True if `instr` names the register in any of a, b, c, d.
  bool named_by(const Instr& instr) const { return named(instr, reg() * 0x01010101u); }
  /// The same, with the register in each byte of `bytes`.
  static bool named(const Instr& instr, std::uint32_t bytes) {
    static_assert(offsetof(Instr, d) == offsetof(Instr, a) + 3);
    std::uint32_t fields;
    std::memcpy(&fields, reinterpret_cast<const std::uint8_t*>(&instr) + offsetof(Instr, a),
                sizeof fields);
    const std::uint32_t difference = fields ^ bytes;
    return ((difference - 0x01010101u) & ~difference & 0x80808080u) != 0;
  }
};

}  // namespace etude
