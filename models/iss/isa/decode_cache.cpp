// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "models/iss/isa/decode.h"

namespace etude {

DecodeCache::DecodeCache(const IsaConfig& isa) : isa_(isa), root_(1024) {}
DecodeCache::~DecodeCache() = default;

void DecodeCache::map(Address base, std::span<const std::uint8_t> bytes) {
  regions_.insert(regions_.begin(), Region{base.raw(), bytes});
  flush();
}

void DecodeCache::flush() {
  for (DecodeUser* user : users_) {
    user->before_flush();
  }
  for (auto& table : root_) {
    if (table) {
      for (auto& page : *table) {
        if (page) {
          std::fill(std::begin(page->slot), std::end(page->slot), Instr{});
          std::fill(std::begin(page->calm), std::end(page->calm), CalmOp{});
        }
      }
    }
  }
}

const DecodeCache::Region* DecodeCache::find(std::uint32_t pc) const {
  const auto hit = std::find_if(regions_.begin(), regions_.end(), [pc](const Region& region) {
    return pc - region.base < region.bytes.size();
  });
  return hit == regions_.end() ? nullptr : &*hit;
}

const Instr* DecodeCache::fill(std::uint32_t pc) {
  // Halfwords are looked up one by one: an instruction may begin in one area and end in the next.
  const auto half = [this](std::uint32_t at, std::uint32_t& value) {
    const Region* region = find(at);
    const std::size_t offset = region != nullptr ? at - region->base : 0;
    if (region == nullptr || offset + 2 > region->bytes.size()) {
      return false;
    }
    value = region->bytes[offset] | static_cast<std::uint32_t>(region->bytes[offset + 1]) << 8;
    return true;
  };
  std::uint32_t word = 0;
  std::uint32_t upper = 0;
  if (!half(pc, word) || ((word & 3u) == 3u && !half(pc + 2, upper))) {
    return nullptr;
  }
  auto& table = root_[pc >> 22];
  if (!table) {
    table = std::make_unique<Table>(1024);
  }
  auto& page = (*table)[(pc >> 12) & 1023];
  if (!page) {
    page = std::make_unique<Page>();
  }
  Instr& slot = page->slot[(pc >> 1) & 2047];
  slot = decode(word | upper << 16, isa_);
  return &slot;
}

}  // namespace etude
