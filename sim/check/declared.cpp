// SPDX-License-Identifier: Apache-2.0
#include "sim/check/declared.h"

#include <algorithm>

#include "kernels/include/etude_kernels.h"
#include "models/base/pulp_map_regs.h"

namespace etude::check {

Declared::Declared(const Program& program, std::uint32_t l1_bytes, unsigned workers,
                   bool controller)
    : program_(program),
      first_(ETUDE_L1_BASE + static_cast<std::uint32_t>(program.l1_reserved.raw())),
      bytes_(l1_bytes - static_cast<std::uint32_t>(program.l1_reserved.raw())),
      interpreter_(controller ? workers : 0),
      popped_(kHarts, 0),
      current_(kHarts, kNone) {
  const std::vector<Operation>& operations = program.tasks.operations;
  for (std::uint32_t op = 0; op < operations.size(); ++op) {
    if (operations[op].posted() && operations[op].unit() == TaskUnit::kCores) {
      kernels_.push_back(op);
    }
  }
}

void Declared::popped(unsigned hart) {
  const std::size_t number = popped_[hart]++;
  current_[hart] = number < kernels_.size() ? kernels_[number] : kNone;
}

// A load may also see what the operation itself writes.
bool Declared::declared(std::uint32_t op, std::uint32_t address, std::uint32_t bytes,
                        bool write) const {
  if (op >= program_.tasks.operations.size()) {
    return false;
  }
  return std::ranges::any_of(program_.tasks.operations[op].accesses, [&](const Access& a) {
    const std::uint32_t in = address - a.address;
    if (a.space != Access::Space::kL1 || (write && !a.write) || in >= a.end() - a.address) {
      return false;
    }
    const std::uint32_t in_row = a.rows > 1 && a.pitch > a.row_bytes ? in % a.pitch : in;
    const std::uint32_t row =
        a.rows > 1 && a.pitch > a.row_bytes ? a.row_bytes : a.end() - a.address;
    return in_row + bytes <= row;
  });
}

std::string Declared::text(unsigned hart) const {
  const std::uint32_t op = current_[hart];
  if (op >= program_.tasks.operations.size()) {
    return "no operation is under way there";
  }
  const Operation& operation = program_.tasks.operations[op];
  const auto* const kernel = operation.as<KernelCall>();
  return "not declared by operation " + std::to_string(op) + " (" +
         (kernel != nullptr ? etude_kernel_name(kernel->kernel) + std::string(", ") : "") +
         "layer " + program_.layers[operation.layer].name + ")";
}

}  // namespace etude::check
