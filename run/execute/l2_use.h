// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "program/access.h"
#include "program/stored_tensor.h"
#include "sim/engine/run_record.h"

namespace etude::run {

/// Bytes in L2 over time, by the kinds of tensors. Tensors share places piece by piece, so that
/// each 8 bytes count by themselves: from the posting of the first operation that touches them to
/// the end of the last one. No two tensors stand at one place at one time.
class L2Use {
 public:
  /// `segments`: of one pass, in order; what is `always` in L2 counts from begin to end. All must
  /// outlive it.
  L2Use(const std::vector<StoredTensor>& stored, const std::vector<OpSegment>& segments,
        std::size_t first);

  /// The operation of a segment touches L2.
  void touch(std::size_t segment, const Access& access);
  /// Bytes of a tensor are a transfer's buffer before segment `ready` and from `leaves` on.
  void complete(ObjectId tensor, std::size_t ready, std::size_t leaves);

  /// Bytes by kind in `columns` equal parts of the time, each at its fullest moment.
  std::map<std::string, std::vector<std::uint64_t>> columns(std::size_t count) const;

 private:
  struct Span {
    std::uint32_t first = ~0u, last = 0;  ///< segments
  };
  void add(const std::string& kind, std::size_t first, std::size_t end, std::int64_t bytes);

  const std::vector<StoredTensor>& stored_;
  const std::vector<OpSegment>& segments_;
  std::size_t first_;
  std::vector<std::vector<Span>> words_;                      ///< by tensor, touched ones only
  std::map<std::string, std::vector<std::int64_t>> changes_;  ///< by kind and segment
};

}  // namespace etude::run
