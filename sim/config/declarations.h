// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sim/config/parameter.h"

namespace etude {

// Each adds the declarations of one section of the root to `table`.
void declare_platform(ParameterTable& table);
void declare_workload(ParameterTable& table);
void declare_train(ParameterTable& table);
void declare_schedule(ParameterTable& table);
void declare_tiling(ParameterTable& table);
void declare_compress(ParameterTable& table);
void declare_energy(ParameterTable& table);
void declare_run(ParameterTable& table);

/// Throws UserError at the first coefficient whose range ends below its beginning.
void check_ranges(const EnergyConfig& table);

}  // namespace etude
