// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "compiler/cost/cost_model.h"
#include "compiler/memory/memory_plan.h"
#include "tests/support/small_graph.h"

namespace etude::test {

/// A step that moves objects between L1 and memories outside, written by hand or drawn; planned, it
/// is checked against what the hand-written one means.
class PlanBench {
 public:
  static constexpr Address kL2{0x1C010000};
  /// What each load read, word by word, and at last what stands at home.
  using Reads = std::vector<std::vector<std::uint64_t>>;

  /// A tensor with a home: an input, a parameter or the loss.
  ObjectId persistent(const std::string& name, Bytes bytes, TensorKind kind = TensorKind::kInput);
  ObjectId activation(const std::string& name, Bytes bytes);
  TensorId tensor_of(ObjectId object) const;

  /// A transfer of `bytes` (0: all) of an object from `offset` on.
  void load(std::uint32_t stage, ObjectId object, Bytes offset = {}, Bytes bytes = {});
  void store(std::uint32_t stage, ObjectId object, Bytes offset = {}, Bytes bytes = {});
  /// One operation that reads all of `from` and writes all of `to`.
  void copy(std::uint32_t stage, ObjectId from, ObjectId to);
  /// Some objects and operations in which whatever is loaded was stored before or has a home.
  void random(unsigned seed);

  /// Plans a copy of what is written, which is then `tape`.
  compiler::MemoryPlan plan(compiler::Placement placement, Bytes l2,
                            const std::vector<compiler::PagedStorage>& paged = {});
  Address at(ObjectId object) const { return tape.objects.at(object).address; }

  /// "load NAME stage", "store NAME stage", "in NAME offset+bytes", "out ...", "erase NAME bytes",
  /// "other".
  static std::vector<std::string> lines(const compiler::Tape& tape);

  /// Executes what is written, each object in a memory of its own.
  Reads run_by_objects() const;
  /// Executes the planned tape in one memory, by addresses.
  Reads run_by_addresses(const compiler::MemoryPlan& plan) const;

  /// Bytes of L2, in beats, that live at each operation of the planned tape, and the most of them.
  std::vector<Bytes> swept_uses() const;
  std::vector<Bytes> noted_uses() const;
  Bytes most_at_once() const;
  /// Bytes of all that ever is in L2.
  Bytes sum_of_all() const;
  /// Whether all that is in L2 lies in it, and no two that live at one operation meet.
  bool places_are_right(Bytes l2) const;

  compiler::CostModel cost{PlatformConfig{}};
  compiler::Tape written{cost};
  compiler::Tape tape = written;

 private:
  struct Life {
    ObjectId object;
    std::size_t first, last;
  };
  std::vector<Life> lives() const;
  ObjectId object(const std::string& name, Bytes bytes, TensorKind kind);

  SmallGraph made_;
};

}  // namespace etude::test
