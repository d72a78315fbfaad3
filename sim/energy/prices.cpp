// SPDX-License-Identifier: Apache-2.0
#include "sim/energy/prices.h"

#include <algorithm>
#include <array>

#include "sim/energy/area.h"

namespace etude {
namespace {
constexpr double kRegisters = 3;  // of the array that the table's multiply-adds belong to

Coefficient scaled(Coefficient coefficient, double factor) {
  coefficient.value *= factor;
  coefficient.low *= factor;
  coefficient.high *= factor;
  return coefficient;
}

/// An access of a bank, linear between the sizes of the table.
Coefficient tcdm_access(const TcdmConfig& tcdm, const EnergyConfig& table) {
  struct Size {
    double kib;
    const Coefficient* access;
  };
  const std::array<Size, 6> sizes{{{2, &table.tcdm_access_2kib},
                                   {4, &table.tcdm_access_4kib},
                                   {8, &table.tcdm_access_8kib},
                                   {16, &table.tcdm_access_16kib},
                                   {32, &table.tcdm_access_32kib},
                                   {64, &table.tcdm_access_64kib}}};
  const double kib = static_cast<double>(tcdm.size.raw()) / tcdm.banks / 1024;
  std::size_t upper = 1;
  while (upper + 1 < sizes.size() && sizes[upper].kib < kib) {
    ++upper;
  }
  const Size& a = sizes[upper - 1];
  const Size& b = sizes[upper];
  const double part = (kib - a.kib) / (b.kib - a.kib);
  const auto between = [part](double low, double high) {
    return std::max(0.0, low + part * (high - low));
  };
  Coefficient access = part < 0.5 ? *a.access : *b.access;
  access.value = between(a.access->value, b.access->value);
  access.low = between(a.access->least(), b.access->least());
  access.high = between(a.access->most(), b.access->most());
  access.status = part < 0 || part > 1 ? Coefficient::Status::kAssumed
                                       : std::max(a.access->status, b.access->status);
  return access;
}
}  // namespace

Coefficient price_of(const EventPrice& event, const PlatformConfig& platform,
                     const EnergyConfig& table) {
  const RedmuleConfig& array = platform.cluster.redmule;
  const auto per_register = [&](const Coefficient& stage) {
    return std::max(0.0, 1 + stage.value * (array.pipe - kRegisters));
  };
  const Coefficient& coefficient = table.*event.coefficient;
  if (event.coefficient == &EnergyConfig::tcdm_access_16kib) {
    return tcdm_access(platform.cluster.tcdm, table);
  }
  if (event.coefficient == &EnergyConfig::redmule_fp16_fma) {
    return scaled(coefficient, per_register(table.redmule_fp16_stage));
  }
  if (event.coefficient == &EnergyConfig::redmule_fp32_fma) {
    return scaled(coefficient, per_register(table.redmule_fp32_stage));
  }
  if (event.coefficient == &EnergyConfig::redmule_busy_bit) {
    return scaled(coefficient, static_cast<double>(stored_bits(array)));
  }
  return coefficient;
}

}  // namespace etude
