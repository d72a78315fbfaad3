// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "compiler/schedule/schedule_problem.h"

namespace etude::test {

/// Four operators of 2 s and 1 to 4 J in a row; the first result, of 10 bytes, is read again by the
/// last one.
inline compiler::ScheduleProblem row_of_four() {
  using namespace compiler;
  ScheduleProblem problem;
  const std::uint64_t bytes[] = {10, 20, 30, 5};
  for (SlotId t = 0; t < 4; ++t) {
    ProblemSlot slot;
    slot.name = "s" + std::to_string(t);
    slot.seconds = 2;
    slot.joules = t + 1;
    problem.slots.push_back(slot);
    ProblemTensor tensor;
    tensor.name = "t" + std::to_string(t);
    tensor.bytes = Bytes{bytes[t]};
    tensor.producer = t;
    if (t < 3) {
      tensor.uses.push_back(t + 1);
    }
    tensor.page_out = {3, 0.5};
    tensor.page_in = {4, 0.25};
    problem.tensors.push_back(tensor);
  }
  problem.tensors[0].uses.push_back(3);
  problem.complete("row");
  return problem;
}

}  // namespace etude::test
