// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "compiler/feeds/context.h"
#include "compiler/lower/write_tape.h"
#include "compiler/order/order.h"
#include "compiler/order/step_graph.h"

namespace etude::compiler {

/// A step that was written, its fingerprint, and the orders that were found of it.
class KnownStep {
 public:
  explicit KnownStep(WrittenStep written);

  const WrittenStep& written() const { return written_; }
  std::uint64_t fingerprint() const { return fingerprint_; }
  /// best_order(), looked up where the same graph was ordered before. Of several threads.
  PostOrder order(const StepGraph& graph, bool one_dma, Cycle limit) const;

 private:
  struct Ordered {
    StepGraph graph;
    PostOrder order;  ///< empty: none takes less than `limit`
    Cycle limit;
  };
  static constexpr std::size_t kOrders = 8;  ///< that are kept: those of an L2 or a clock

  WrittenStep written_;
  std::uint64_t fingerprint_;
  mutable std::mutex mutex_;
  mutable std::vector<std::shared_ptr<const Ordered>> orders_;  ///< the latest last
};

/// What write_tape() made of one training step on one platform, by the way of sharing L1, for
/// lowering it again where nothing has changed but what writing does not look at: size of L2,
/// clock, HyperRAM, flash, home and budget. Whoever keeps it must see to that. Of several threads.
class WrittenSteps {
 public:
  /// Nothing: not written yet.
  std::shared_ptr<const KnownStep> find(const SharingChoice& sharing) const;
  void add(const SharingChoice& sharing, std::shared_ptr<const KnownStep> step);

  std::optional<SumCuts> cuts() const;
  void set_cuts(const SumCuts& cuts);

 private:
  mutable std::mutex mutex_;
  std::map<SharingChoice, std::shared_ptr<const KnownStep>> steps_;
  std::optional<SumCuts> cuts_;
};

}  // namespace etude::compiler
