// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <type_traits>

#include "kernels/include/etude_kernels.h"

namespace etude::compiler {

template <etude_kernel number>
struct KernelArgsOf;
#define ETUDE_ARGS_OF(e, number, name, args) \
  template <>                                \
  struct KernelArgsOf<ETUDE_KERNEL_##e> {    \
    using type = struct etude_##args##_args; \
  };
ETUDE_KERNEL_LIST(ETUDE_ARGS_OF)
#undef ETUDE_ARGS_OF

/// The struct of etude_kernels.h that a kernel reads its arguments from.
template <etude_kernel number>
using KernelArgs = typename KernelArgsOf<number>::type;

/// Whether a kernel reads its arguments from that struct.
template <typename Args>
constexpr bool takes(etude_kernel kernel) {
#define ETUDE_TAKES(e, number, name, args) \
  case ETUDE_KERNEL_##e:                   \
    return std::is_same_v<Args, struct etude_##args##_args>;
  switch (kernel) {
    ETUDE_KERNEL_LIST(ETUDE_TAKES)
    case ETUDE_KERNELS:
      break;
  }
#undef ETUDE_TAKES
  return false;
}

}  // namespace etude::compiler
