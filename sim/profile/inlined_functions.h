// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <elfutils/libdw.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace etude {

/// Functions that the compiler has put into others, by the addresses of their code.
class InlinedFunctions {
 public:
  /// Takes those of the compilation unit `unit`; call fill() behind the last one.
  void read(Dwarf_Die* unit);
  void fill();

  /// Who is at `pc`: `place` is the source line there (" (file:line)"), `function` what holds it.
  /// "inlined (file:line) in function (file:line)", each with the line of its own code.
  std::string describe(std::uint32_t pc, const std::string& place,
                       const std::string& function) const;

 private:
  /// One that was put into another.
  struct Call {
    std::string name;
    std::string from;     ///< " (file:line)" of the call
    std::uint32_t outer;  ///< 0: the function itself
    unsigned depth{0};
  };
  struct Piece {
    unsigned depth;
    std::uint32_t begin, end, call;
  };

  void visit(Dwarf_Die* parent, std::uint32_t outer);
  std::uint32_t add(Dwarf_Die* inlined, std::uint32_t outer);

  Dwarf_Files* files_{nullptr};  ///< of the unit in hand
  std::vector<Piece> pieces_;
  std::vector<Call> calls_{{"", "", 0, 0}};
  std::map<std::uint32_t, std::uint32_t> starts_{{0u, 0u}};  ///< call from an address on
};

}  // namespace etude
