// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>

namespace etude {

/// Zeroed bytes whose pages the host only provides when they are touched.
class LazyMemory {
 public:
  explicit LazyMemory(std::size_t size)
      : size_(size), bytes_(static_cast<std::uint8_t*>(std::calloc(size, 1)), &std::free) {
    if (size != 0 && !bytes_) {
      throw std::bad_alloc();
    }
  }
  std::size_t size() const { return size_; }
  std::uint8_t* data() { return bytes_.get(); }
  const std::uint8_t* data() const { return bytes_.get(); }
  void clear() { *this = LazyMemory(size_); }

 private:
  std::size_t size_;
  std::unique_ptr<std::uint8_t, decltype(&std::free)> bytes_;
};

}  // namespace etude
