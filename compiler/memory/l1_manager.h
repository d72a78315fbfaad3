// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "compiler/memory/allocator.h"
#include "compiler/tape/tape.h"

namespace etude::compiler {

/// A buffer of L1 and the stages (operators) of the step between which it was handed out.
struct L1Block {
  Address address;
  Bytes bytes;
  std::uint32_t first_stage = 0, last_stage = 0;
};

/// Thrown when a buffer finds no place: the operator is lowered again with an empty L1.
struct NoRoom {};

/// The L1 of the plan: buffers of the operator being lowered, and whole tensors that stay behind
/// for the operators to come ("residents"). A value type: a copy is a point to go back to.
///
/// Tensors that share storage (reshapes, updated parameters) are one resident, seen by each with
/// its own last extent.
class L1Manager {
 public:
  /// What the manager knows of a tensor: whose storage it has, and its last extent.
  struct Known {
    TensorId base{};
    std::uint32_t cols = 0;
  };
  /// The `bytes` of L1 from `base` on; `tensors` by their numbers.
  L1Manager(Address base, Bytes bytes, std::vector<Known> tensors);

  /// The whole tensor [product of leading extents, last extent] (or the transpose of that) if it
  /// stands in L1; it then stays for this operator.
  std::optional<L1Matrix> resident(TensorId tensor, bool transposed = false);
  bool has_resident(TensorId tensor, bool transposed = false) const {
    return seen_as(tensor, transposed).has_value();
  }
  /// The resident of the tensor's storage becomes a buffer of this operator, if it has at least
  /// `bytes`; the caller may overwrite it.
  std::optional<L1Matrix> adopt(TensorId tensor, Bytes bytes);
  /// A buffer until the end of the operator. Residents that it does not use give way, the least
  /// recently used first. Throws NoRoom.
  Address take(Bytes bytes);
  /// A buffer of this operator becomes a resident. Errors: std::logic_error if `matrix` does not
  /// begin where one does.
  void keep(TensorId tensor, bool transposed, const L1Matrix& matrix);
  /// Forgets both orientations of a tensor that changed or is not needed again.
  void drop(TensorId tensor);
  /// Forgets all residents; buffers of this operator are packed from the bottom.
  void clear();
  void begin_operator(std::uint32_t stage);
  /// No resident stays for this operator any more, until it is asked for again.
  void unpin();
  void end_operator();

  /// Bytes that the operator may take: all but the residents that it uses.
  Bytes available() const;
  Bytes capacity() const { return allocator_.capacity(); }
  Bytes peak() const { return allocator_.peak(); }
  /// Every buffer that was handed out, those that still are included.
  std::vector<L1Block> blocks() const;
  /// Storages that stand here in some orientation.
  std::set<TensorId> tensors() const;

 private:
  /// Blocks that were given back. Copies share what they have in common.
  class Closed {
   public:
    std::span<const L1Block> all() const { return {blocks_->data(), count_}; }
    L1Block& add(const L1Block& block);

   private:
    std::shared_ptr<std::vector<L1Block>> blocks_ = std::make_shared<std::vector<L1Block>>();
    std::size_t count_ = 0;  ///< of them, mine
  };
  struct Resident {
    L1Matrix matrix;
    Bytes bytes;
    std::uint64_t used = 0;
    bool pinned = false;
  };
  using Key = std::pair<TensorId, bool>;
  L1Block& release(Address address);
  /// Frees a buffer that the operator at hand has not used.
  void give_way(Address address);

  std::optional<L1Matrix> seen_as(TensorId tensor, bool transposed) const;

  Allocator allocator_;
  std::shared_ptr<const std::vector<Known>> known_;
  std::map<Address, Bytes> taken_;
  std::map<Key, Resident> residents_;
  std::uint64_t clock_ = 0;
  std::uint32_t stage_ = 0;
  std::map<Address, L1Block> open_;
  Closed closed_;
};

}  // namespace etude::compiler
