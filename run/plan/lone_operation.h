// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "models/base/types.h"
#include "program/operation.h"
#include "sim/config/platform_config.h"

namespace etude::run {

/// Which part of the hardware an operation depends on: cores, L1 and the DMAs with L2; RedMulE
/// beside them; or HyperRAM and the clock.
enum class LoneClass : std::uint8_t { kCluster, kJob, kPage };
inline constexpr unsigned kLoneClasses = 3;

/// An operation as it is measured by itself: its operands packed one behind the other, so that it
/// is the same wherever it stands in a step. What two buffers share, or one has twice, stays so.
struct LoneOperation {
  Operation operation;  ///< posted; with places in L1 from kLoneL1 on, in L2 from kLoneL2 on
  std::string key;      ///< what it is and its shape: equal keys take equal times
  Bytes l1;             ///< of operands, from kLoneL1 on
  LoneClass of = LoneClass::kCluster;
  bool integers = false;  ///< reads whole numbers (labels, rows of a table): zeros are given
};

/// Where operands stand while an operation is measured.
inline constexpr Address kLoneL1{0x10008000u};
inline constexpr Address kLoneL2{0x20000000u};

/// A posted operation by itself. Errors: UserError 'not available' at /run/tier for one that is not
/// measured by itself (flash).
LoneOperation lone_operation(const Operation& operation);

/// The platform on which operations of a class are measured: this one, with an L1 and an L2 that
/// hold whatever one has, without what does not count for the class.
PlatformConfig lone_platform(const PlatformConfig& platform, LoneClass of);

}  // namespace etude::run
