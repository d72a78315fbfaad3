// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace etude {

/// Parameters of one RISC-V core (CV32E40P, or a plain RV32 core by ISA string).
struct CoreConfig {
  std::string isa =
      "rv32imc_zfinx_zhinx_zicsr_zifencei_xcvmem_xcvmac_xcvsimd_xcvalu_xcvbitmanip_xcvbi_xcvhwlp";
  unsigned addmul_latency =
      1;  ///< FPU_ADDMUL_LAT: cycles after issue until fadd, fsub, fmul, fmadd return.
  unsigned others_latency =
      1;  ///< FPU_OTHERS_LAT: the same for compare, min/max, sign, class, convert, move.
  bool private_fpu = true;     ///< One FPU per core; false: `shared_fpus` units for all cores.
  unsigned shared_fpus = 4;    ///< Number of FPUs when they are shared.
  bool corev_cluster = false;  ///< COREV_CLUSTER: cv.elw is legal.
};

}  // namespace etude
