// SPDX-License-Identifier: Apache-2.0
#include "compiler/memory/l1_manager.h"

#include <stdexcept>
#include <utility>

namespace etude::compiler {

L1Manager::L1Manager(Address base, Bytes bytes, std::vector<Known> tensors)
    : allocator_(base, bytes),
      known_(std::make_shared<const std::vector<Known>>(std::move(tensors))) {}

L1Block& L1Manager::Closed::add(const L1Block& block) {
  if (count_ != blocks_->size()) {  // a copy has gone on
    blocks_ = std::make_shared<std::vector<L1Block>>(all().begin(), all().end());
  }
  ++count_;
  return blocks_->emplace_back(block);
}

std::optional<L1Matrix> L1Manager::seen_as(TensorId tensor, bool transposed) const {
  const Known& known = known_->at(tensor);
  const auto found = residents_.find({known.base, transposed});
  if (found == residents_.end()) {
    return std::nullopt;
  }
  const L1Matrix& m = found->second.matrix;
  if ((transposed ? m.rows : m.cols) == known.cols) {
    return m;
  }
  if (transposed || m.pitch != m.cols) {
    return std::nullopt;
  }
  return L1Matrix{m.address, m.elements() / known.cols, known.cols, known.cols, m.type};
}

std::optional<L1Matrix> L1Manager::resident(TensorId tensor, bool transposed) {
  const auto seen = seen_as(tensor, transposed);
  if (seen) {
    Resident& found = residents_.at({known_->at(tensor).base, transposed});
    found.used = ++clock_;
    found.pinned = true;
  }
  return seen;
}

std::optional<L1Matrix> L1Manager::adopt(TensorId tensor, Bytes bytes) {
  const auto seen = seen_as(tensor, false);
  if (!seen) {
    return std::nullopt;
  }
  const auto found = residents_.find({known_->at(tensor).base, false});
  if (found->second.bytes < bytes) {
    return std::nullopt;
  }
  taken_[found->second.matrix.address] = found->second.bytes;
  residents_.erase(found);
  return seen;
}

Address L1Manager::take(Bytes bytes) {
  for (;;) {
    if (const auto address = allocator_.allocate(bytes)) {
      taken_[*address] = bytes;
      open_[*address] = {*address, bytes, stage_, stage_};
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
    give_way(oldest->second.matrix.address);
    residents_.erase(oldest);
  }
}

void L1Manager::keep(TensorId tensor, bool transposed, const L1Matrix& matrix) {
  const auto block = taken_.find(matrix.address);
  if (block == taken_.end()) {
    throw std::logic_error("only a whole buffer of this operator can stay in L1");
  }
  const Key key{known_->at(tensor).base, transposed};
  if (const auto old = residents_.find(key); old != residents_.end()) {
    release(old->second.matrix.address);
    residents_.erase(old);
  }
  residents_[key] = {matrix, block->second, ++clock_, true};
  taken_.erase(block);
}

void L1Manager::drop(TensorId tensor) {
  for (const bool transposed : {false, true}) {
    const auto found = residents_.find({known_->at(tensor).base, transposed});
    if (found != residents_.end()) {
      release(found->second.matrix.address);
      residents_.erase(found);
    }
  }
}

void L1Manager::clear() {
  for (const auto& [key, resident] : residents_) {
    give_way(resident.matrix.address);
  }
  residents_.clear();
  allocator_.pack_from_bottom(true);
}

void L1Manager::begin_operator(std::uint32_t stage) {
  stage_ = stage;
  unpin();
}

void L1Manager::unpin() {
  for (auto& [key, resident] : residents_) {
    resident.pinned = false;
  }
}

void L1Manager::end_operator() {
  for (const auto& [address, bytes] : taken_) {
    release(address);
  }
  taken_.clear();
  allocator_.pack_from_bottom(false);
}

Bytes L1Manager::available() const {
  constexpr Bytes kToAlign{8};
  Bytes all;
  for (const auto& [key, resident] : residents_) {
    all += resident.pinned ? resident.bytes + kToAlign : Bytes{};
  }
  for (const auto& [address, bytes] : taken_) {
    all += bytes + kToAlign;
  }
  return capacity() > all ? capacity() - all : Bytes{};
}

std::vector<L1Block> L1Manager::blocks() const {
  std::vector<L1Block> all(closed_.all().begin(), closed_.all().end());
  for (const auto& [address, block] : open_) {
    all.push_back(block);
    all.back().last_stage = stage_;
  }
  return all;
}

L1Block& L1Manager::release(Address address) {
  allocator_.free(address);
  const auto block = open_.find(address);
  block->second.last_stage = stage_;
  L1Block& closed = closed_.add(block->second);
  open_.erase(block);
  return closed;
}

void L1Manager::give_way(Address address) {
  L1Block& block = release(address);
  if (block.first_stage < stage_) {
    block.last_stage = stage_ - 1;
  }
}

std::set<TensorId> L1Manager::tensors() const {
  std::set<TensorId> found;
  for (const auto& [key, resident] : residents_) {
    found.insert(key.first);
  }
  return found;
}

}  // namespace etude::compiler
