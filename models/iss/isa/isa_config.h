// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace etude {

/// Which instructions a hart knows: RV32I and the extensions of its ISA string.
struct IsaConfig {
  bool m = false;
  bool f = false;
  bool c = false;
  bool zicsr = false;
  bool zifencei = false;
  bool zfinx = false;
  bool zhinx = false;
  bool xfvec = false;  ///< two binary16 numbers per register, as PULP's cores have it
  bool xcvmem = false;
  bool xcvmac = false;
  bool xcvsimd = false;
  bool xcvalu = false;
  bool xcvbitmanip = false;
  bool xcvbi = false;
  bool xcvhwlp = false;
  bool xcvelw = false;
  /// COREV_CLUSTER: cv.elw is legal only if this is set as well as `xcvelw`.
  bool corev_cluster = false;

  /// Any floating-point arithmetic (F, or Zfinx in the integer registers).
  bool fp() const { return f || zfinx; }
};

/// Parses a RISC-V ISA string as toolchains write it: "rv32i", single letters m, f, c, then
/// multi-letter extensions separated by '_' (zicsr, zifencei, zfinx, zhinx, xcv...). F implies
/// Zicsr, Xfvec implies Zhinx, Zhinx implies Zfinx. Throws UserError for an unknown extension or
/// for F with Zfinx.
IsaConfig parse_isa(const std::string& isa);

}  // namespace etude
