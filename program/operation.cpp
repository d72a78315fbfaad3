// SPDX-License-Identifier: Apache-2.0
#include "program/operation.h"

#include <stdexcept>

namespace etude {
namespace {

struct UnitOf {
  TaskUnit operator()(const End&) const { throw std::logic_error("the end has no unit"); }
  TaskUnit operator()(const Wait&) const { throw std::logic_error("a wait has no unit"); }
  TaskUnit operator()(const KernelCall&) const { return TaskUnit::kCores; }
  TaskUnit operator()(const MatrixJob&) const { return TaskUnit::kRedmule; }
  TaskUnit operator()(const Transfer&) const { return TaskUnit::kDma; }
  TaskUnit operator()(const PageTransfer&) const { return TaskUnit::kSocDma; }
  TaskUnit operator()(const FlashErase&) const { return TaskUnit::kSocDma; }
};

}  // namespace

TaskUnit Operation::unit() const { return std::visit(UnitOf{}, what); }

}  // namespace etude
