// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "program/memory_image.h"
#include "run/plan/plan.h"
#include "run/plan/step_meter.h"

namespace etude::run {

/// A transfer of the cluster's DMA as its own record names it.
struct PlacedTransfer {
  std::uint32_t operation;  ///< index in the task list
  std::uint32_t l1;
  std::uint64_t bytes;
};

/// One pass over a plan's task list, as a process without a simulator hands it to one that has one.
struct PassMessage {
  PlatformConfig platform;
  Address task_list;
  std::vector<std::uint32_t> op_layer;  ///< of each operation of the task list
  std::vector<std::uint8_t> op_unit;    ///< enum etude_unit of each posted operation, else 255
  std::vector<PlacedTransfer> transfers;
  std::vector<MemoryImage> images;  ///< all that memory holds besides the runtime
  bool by_layer = false;            ///< whether each layer's counters are asked for

  PassMessage() = default;
  explicit PassMessage(const Plan& plan);
};

/// A line of JSON, then the bytes of all images.
std::string to_bytes(const PassMessage& message);
/// The same back. Errors: UserError for bytes that are no message of this version.
PassMessage pass_message(const std::string& bytes);

/// What was counted in a pass and seen of its operations, as one JSON object, and back. Errors:
/// ProgramError with the account's own "error", or for a text that is no account.
std::string account_text(const MeasuredPass& pass);
MeasuredPass read_account(const std::string& text);

}  // namespace etude::run
