// SPDX-License-Identifier: Apache-2.0
#include "explore/lower/l1_manager.h"

#include <stdexcept>

namespace etude {

L1Manager::L1Manager(std::uint32_t base, std::uint32_t bytes) : allocator_(base, bytes) {}

const L1Matrix* L1Manager::resident(TensorId tensor, bool transposed) {
  const auto found = residents_.find({tensor, transposed});
  if (found == residents_.end()) {
    return nullptr;
  }
  found->second.used = ++clock_;
  found->second.pinned = true;
  return &found->second.matrix;
}

std::uint32_t L1Manager::take(std::uint32_t bytes) {
  for (;;) {
    if (const auto address = allocator_.allocate(bytes)) {
      taken_[*address] = bytes;
      return *address;
    }
    auto oldest = residents_.end();
    for (auto r = residents_.begin(); r != residents_.end(); ++r) {
      if (!r->second.pinned &&
          (oldest == residents_.end() || r->second.used < oldest->second.used)) {
        oldest = r;
      }
    }
    if (oldest == residents_.end()) {
      throw NoRoom{};
    }
    allocator_.free(oldest->second.matrix.address);
    residents_.erase(oldest);
  }
}

void L1Manager::keep(TensorId tensor, bool transposed, const L1Matrix& matrix) {
  const auto block = taken_.find(matrix.address);
  if (block == taken_.end()) {
    throw std::logic_error("only a whole buffer of this operator can stay in L1");
  }
  if (const auto old = residents_.find({tensor, transposed}); old != residents_.end()) {
    allocator_.free(old->second.matrix.address);
    residents_.erase(old);
  }
  residents_[{tensor, transposed}] = {matrix, block->second, ++clock_, true};
  taken_.erase(block);
}

void L1Manager::drop(TensorId tensor) {
  for (const bool transposed : {false, true}) {
    if (const auto found = residents_.find({tensor, transposed}); found != residents_.end()) {
      allocator_.free(found->second.matrix.address);
      residents_.erase(found);
    }
  }
}

void L1Manager::clear() {
  for (const auto& [key, resident] : residents_) {
    allocator_.free(resident.matrix.address);
  }
  residents_.clear();
  allocator_.pack_from_bottom(true);
}

void L1Manager::begin_operator() {
  for (auto& [key, resident] : residents_) {
    resident.pinned = false;
  }
}

void L1Manager::end_operator() {
  for (const auto& [address, bytes] : taken_) {
    allocator_.free(address);
  }
  taken_.clear();
  allocator_.pack_from_bottom(false);
}

std::uint32_t L1Manager::available() const {
  std::uint32_t pinned = 0;
  for (const auto& [key, resident] : residents_) {
    pinned += resident.pinned ? resident.bytes + 8 : 0;
  }
  std::uint32_t mine = 0;
  for (const auto& [address, bytes] : taken_) {
    mine += bytes + 8;
  }
  const std::uint32_t all = pinned + mine;
  return allocator_.capacity() > all ? allocator_.capacity() - all : 0;
}

std::set<TensorId> L1Manager::tensors() const {
  std::set<TensorId> found;
  for (const auto& [key, resident] : residents_) {
    found.insert(key.first);
  }
  return found;
}

}  // namespace etude
