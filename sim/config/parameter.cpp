// SPDX-License-Identifier: Apache-2.0
#include "sim/config/parameter.h"

#include "sim/config/declarations.h"

namespace etude {

ParameterTable declare_parameters() {
  ParameterTable table;
  declare_platform(table);
  declare_workload(table);
  declare_train(table);
  declare_schedule(table);
  declare_tiling(table);
  declare_compress(table);
  declare_run(table);
  declare_energy(table);
  return table;
}

}  // namespace etude
