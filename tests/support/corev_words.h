// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "models/iss/isa/isa_config.h"
#include "tests/support/skip.h"
#include "tests/support/toolchain.h"

namespace etude::test {

/// RV32IMC, Zfinx and all of CORE-V, cv.elw included.
inline IsaConfig corev_isa() {
  IsaConfig isa = parse_isa(
      "rv32imc_zfinx_zhinx_zicsr_zifencei_xcvmem_xcvmac_xcvsimd_xcvalu_xcvbitmanip_xcvbi_xcvhwlp_"
      "xcvelw");
  isa.corev_cluster = true;
  return isa;
}

/// The instruction words that llvm-mc-19 makes of `lines`, one each.
inline std::vector<std::uint32_t> corev_words(const std::vector<std::string>& lines) {
  need_program("llvm-mc-19");
  TempDir folder;
  std::string source;
  for (const std::string& line : lines) {
    source += line + "\n";
  }
  write_text(folder / "in.s", source);
  capture(
      "llvm-mc-19 --arch=riscv32 --filetype=obj --mattr=+m,+zfinx,+zhinx,+zicsr,+zifencei,+xcvmem,"
      "+xcvmac,+xcvsimd,+xcvalu,+xcvbitmanip,+xcvbi,+xcvelw -o " +
      (folder / "out.o").string() + " " + (folder / "in.s").string());
  capture("llvm-objcopy-19 -O binary -j .text " + (folder / "out.o").string() + " " +
          (folder / "out.bin").string());
  const auto bytes = read_bytes(folder / "out.bin");
  std::vector<std::uint32_t> words;
  for (std::size_t n = 0; n + 4 <= bytes.size(); n += 4) {
    words.push_back(bytes[n] | bytes[n + 1] << 8 | bytes[n + 2] << 16 |
                    static_cast<std::uint32_t>(bytes[n + 3]) << 24);
  }
  return words;
}

}  // namespace etude::test
