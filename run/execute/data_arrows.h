// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "program/operation.h"

namespace etude::run {

/// Bytes that operation `from` of a task list wrote and operation `to` reads.
struct DataArrow {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
};

/// For each operation and each other unit the first operation on it that reads what the former
/// wrote, before another one wrote there; in the order of `to`.
std::vector<DataArrow> data_arrows(const std::vector<Operation>& operations);

}  // namespace etude::run
