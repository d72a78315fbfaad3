// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>

namespace etude::compiler {

/// Hands out ranges of one memory in program order. Among the places that fit it takes the one that
/// was last used longest ago, so that what comes next need not wait for what is still in use; with
/// `lowest` it packs from the bottom instead.
class Allocator {
 public:
  Allocator(std::uint32_t base, std::uint32_t bytes, bool lowest = false);

  /// A free range of at least `bytes`, aligned to 8 bytes; nothing if none is large enough.
  std::optional<std::uint32_t> allocate(std::uint32_t bytes);
  /// Gives a range back.
  void free(std::uint32_t address);

  /// From now on takes the lowest place that fits, or not.
  void pack_from_bottom(bool lowest) { lowest_ = lowest; }

  std::uint32_t capacity() const { return bytes_; }
  /// Bytes handed out now, and the most so far.
  std::uint32_t used() const { return used_; }
  std::uint32_t peak() const { return peak_; }

 private:
  void touch(std::uint32_t begin, std::uint32_t end);
  std::uint64_t last_touch(std::uint32_t begin, std::uint32_t end) const;

  std::uint32_t base_;
  std::uint32_t bytes_;
  bool lowest_;
  std::uint32_t used_ = 0;
  std::uint32_t peak_ = 0;
  std::uint64_t clock_ = 0;
  std::map<std::uint32_t, std::uint32_t> blocks_;  ///< begin -> end of what is handed out
  std::map<std::uint32_t, std::uint64_t>
      touched_;  ///< begin of a stretch -> when it was given back
};

}  // namespace etude::compiler
