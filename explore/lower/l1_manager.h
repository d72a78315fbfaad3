// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <utility>

#include "explore/lower/op_sequence.h"
#include "explore/memory/allocator.h"

namespace etude {

/// Thrown when a buffer finds no place: the operator is lowered again with an empty L1.
struct NoRoom {};

/// The L1 of the plan: buffers of the operator being lowered, and whole tensors that stay behind
/// for the operators to come ("residents"). A value type: a copy is a point to go back to.
class L1Manager {
 public:
  L1Manager(std::uint32_t base, std::uint32_t bytes);

  /// The whole tensor (or its transpose) if it stands in L1; it then stays for this operator.
  const L1Matrix* resident(TensorId tensor, bool transposed = false);
  bool has_resident(TensorId tensor, bool transposed = false) const {
    return residents_.contains({tensor, transposed});
  }
  /// A buffer until the end of the operator. Residents that it does not use give way, the least
  /// recently used first. Throws NoRoom.
  std::uint32_t take(std::uint32_t bytes);
  /// A buffer of this operator becomes a resident.
  void keep(TensorId tensor, bool transposed, const L1Matrix& matrix);
  /// Forgets both orientations of a tensor that changed or is not needed again.
  void drop(TensorId tensor);
  /// Forgets all residents; buffers of this operator are packed from the bottom.
  void clear();
  void begin_operator();
  void end_operator();

  /// Bytes that the operator may take: all but the residents that it uses.
  std::uint32_t available() const;
  std::uint32_t capacity() const { return allocator_.capacity(); }
  std::uint32_t peak() const { return allocator_.peak(); }
  /// Tensors that stand here in some orientation.
  std::set<TensorId> tensors() const;

 private:
  struct Resident {
    L1Matrix matrix;
    std::uint32_t bytes = 0;
    std::uint64_t used = 0;
    bool pinned = false;
  };
  using Key = std::pair<TensorId, bool>;

  Allocator allocator_;
  std::map<std::uint32_t, std::uint32_t> taken_;  ///< address -> bytes
  std::map<Key, Resident> residents_;
  std::uint64_t clock_ = 0;
};

}  // namespace etude
