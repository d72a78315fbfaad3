// SPDX-License-Identifier: Apache-2.0
#include "compiler/order/list_cycles.h"

#include <algorithm>
#include <numeric>
#include <optional>

#include "compiler/order/controller_model.h"
#include "compiler/order/encode.h"

namespace etude::compiler {

Cycle cycles_with_list(const Tape& tape, const Dependences& dependences,
                       const std::vector<std::uint32_t>& order,
                       const std::vector<std::uint32_t>& places, const Program& program,
                       std::uint32_t layer, bool one_dma) {
  // The sequence in its posted order, where every dependence points backwards, too.
  std::vector<PlanOp> ops;
  Dependences before;
  std::vector<std::uint32_t> number(tape.ops.size());
  std::optional<std::uint32_t> part;  // the last one that was asked for
  bool waits = false;
  std::uint32_t next = 0;  // of the encoded list
  for (const std::uint32_t i : order) {
    for (; places[i] != kNotInList && next <= places[i]; ++next) {
      const Operation& operation = program.tasks.operations[next];
      if (next == places[i] || operation.layer != layer) {
        continue;
      }
      if (const auto* load = operation.as<PageTransfer>()) {
        part = static_cast<std::uint32_t>(ops.size());
        PlanOp& op = ops.emplace_back();
        op.what = *load;
        op.cycles = tape.timing().soc_dma(Bytes{load->bytes});
        before.append({});
      } else {
        waits = true;
      }
    }
    std::vector<std::uint32_t> mine;
    for (const std::uint32_t earlier : dependences[i]) {
      mine.push_back(number[earlier]);
    }
    if (waits && part && tape.ops[i].probe < 0) {
      mine.push_back(*part);
      waits = false;
    }
    std::ranges::sort(mine);
    number[i] = static_cast<std::uint32_t>(ops.size());
    before.append(mine);
    ops.push_back(tape.ops[i]);
  }
  std::vector<std::uint32_t> posted(ops.size());
  std::iota(posted.begin(), posted.end(), 0u);
  return replay_cycles(StepGraph(ops, before, tape.timing().units()), posted, one_dma);
}

}  // namespace etude::compiler
