// SPDX-License-Identifier: Apache-2.0
#include "sim/check/objects.h"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace etude::check {
namespace {

/// Symbols of a section's memory; one without a size reaches to the next.
std::vector<Objects::Object> objects_of(const ElfFile& elf, const ElfSection& section) {
  std::vector<Objects::Object> found;
  const std::uint32_t end = section.address + section.size;
  const std::vector<ElfObject>& all = elf.objects();
  for (std::size_t i = 0; i < all.size(); ++i) {
    const ElfObject& o = all[i];
    if (o.address < section.address || o.address >= end) {
      continue;
    }
    std::uint32_t size = o.size;
    if (size == 0) {
      std::size_t next = i + 1;
      while (next < all.size() && all[next].address == o.address) {
        ++next;
      }
      size = (next < all.size() ? std::min(all[next].address, end) : end) - o.address;
    }
    found.push_back({o.address, o.address + size, o.name, false});
  }
  return found;
}

}  // namespace

void Objects::add(std::uint32_t begin, std::uint32_t bytes, std::string name) {
  const auto place =
      std::ranges::upper_bound(objects_, std::pair{begin, ~(begin + bytes)}, {},
                               [](const Object& o) { return std::pair{o.begin, ~o.end}; });
  objects_.insert(place, {begin, begin + bytes, std::move(name), false});
  longest_ = std::max(longest_, bytes);
}

// Between sections of one memory (by the top byte of the address), and behind the last one. A name
// anywhere there may be that of a heap or stack, whatever its type.
void Objects::find_nameless(const ElfFile& elf) {
  constexpr std::uint32_t kMemory = 1u << 24;
  std::map<std::uint32_t, std::uint32_t> taken;  // begin to end, and whole memories
  for (const ElfSection& s : elf.sections()) {
    std::uint32_t& end = taken[s.address];
    end = std::max(end, s.address + s.size);
  }
  for (const ElfSegment& s : elf.segments()) {
    std::uint32_t& end = taken[s.base.raw()];
    end = std::max(end, s.base.raw() + static_cast<std::uint32_t>(s.bytes.size()));
  }
  std::uint32_t at = 0;
  const auto add = [&](std::uint32_t begin, std::uint32_t end, bool before_section) {
    if (begin >= end) {
      return;
    }
    for (const auto& [address, name] : elf.names()) {
      const auto stands_here = [at = address](const auto& o) {
        return o.address == at && o.size != 0;
      };
      const bool begins_next =
          before_section && (std::ranges::any_of(elf.objects(), stands_here) ||
                             std::ranges::any_of(elf.functions(), [at = address](const auto& f) {
                               return f.address == at;
                             }));
      if (address >= begin && (address < end || (address == end && !begins_next))) {
        return;
      }
    }
    nameless_.push_back({begin, end, "", false});
  };
  for (auto it = taken.begin(); it != taken.end(); ++it) {
    const auto& [begin, end] = *it;
    if (begin / kMemory != at / kMemory) {
      at = begin / kMemory * kMemory;
    }
    add(at, begin, true);
    at = std::max(at, end);
    const auto next = std::next(it);
    const std::uint32_t last = (begin / kMemory + 1) * kMemory;
    if (next == taken.end() || next->first >= last) {
      add(at, last, false);
      at = last;
    }
  }
}

void Objects::name_bytes(std::uint32_t begin, std::uint32_t bytes) {
  const std::uint32_t end = begin + bytes;
  std::vector<Object> left;
  for (const Object& o : nameless_) {
    if (end <= o.begin || begin >= o.end) {
      left.push_back(o);
      continue;
    }
    if (o.begin < begin) {
      left.push_back({o.begin, begin, "", false});
    }
    if (end < o.end) {
      left.push_back({end, o.end, "", false});
    }
  }
  nameless_ = std::move(left);
}

void Objects::declare(const ElfFile& elf, Shadow& shadow) {
  find_nameless(elf);
  for (const ElfSection& section : elf.sections()) {
    if (!section.writable) {
      read_only_.push_back({section.address, section.address + section.size, section.name, false});
    }
  }
  for (const ElfSection& section : elf.sections()) {
    if (section.code) {
      continue;
    }
    const std::vector<Object> inside = objects_of(elf, section);
    for (const Object& o : inside) {
      add(o.begin, o.end - o.begin, o.name);
    }
    if (!section.writable || inside.empty()) {
      continue;
    }
    const std::uint32_t end = section.address + section.size;
    shadow.mark(section.address, section.size, kOutside, 0);
    // Behind it: up to what comes next, unless the program has a name for that memory.
    std::uint32_t zone = end + kRedZone;
    for (const ElfSection& other : elf.sections()) {
      zone = other.address >= end ? std::min(zone, other.address) : zone;
    }
    for (const ElfObject& o : elf.objects()) {
      zone = o.address >= end ? std::min(zone, o.address) : zone;
    }
    shadow.mark(end, zone - end, kOutside, 0);
    for (const Object& o : inside) {
      shadow.mark(o.begin, o.end - o.begin, 0, kOutside);
    }
  }
}

// The nearest object that begins at or before `address`; one that holds it goes first.
const Objects::Object* Objects::before(std::uint32_t address) const {
  const auto after = std::ranges::upper_bound(objects_, address, {}, &Object::begin);
  for (auto it = after; it != objects_.begin();) {
    --it;
    if (address < it->end) {
      return &*it;
    }
    if (address - it->begin >= longest_) {
      break;
    }
  }
  return after == objects_.begin() ? nullptr : &*std::prev(after);
}

std::string Objects::describe(std::uint32_t address) const {
  const Object* const object = before(address);
  if (object == nullptr || address >= object->end) {
    const auto place = std::ranges::find_if(
        places_, [address](const Object& p) { return address - p.begin < p.end - p.begin; });
    if (place != places_.end()) {
      return place->name + "+" + std::to_string(address - place->begin);
    }
  }
  if (object == nullptr || (address >= object->end && address - object->end >= 4096)) {
    char number[16];
    std::snprintf(number, sizeof number, "0x%08x", address);
    return number;
  }
  return object->name + "+" + std::to_string(address - object->begin);
}

std::string Objects::distance(std::uint32_t address) const {
  const Object* const object = before(address);
  return object == nullptr || address < object->end || address - object->end >= 4096
             ? ""
             : std::to_string(address - object->end) + " bytes past " + object->name;
}

std::optional<Objects::Object> Objects::holder(std::uint32_t address) const {
  const auto after = buffers_.upper_bound(address);
  if (after != buffers_.begin()) {
    const auto& [begin, buffer] = *std::prev(after);
    if (buffer.alive && address < buffer.end) {
      return Object{begin, buffer.end, describe(begin), true};
    }
  }
  const Object* const object = before(address);
  return object != nullptr && address < object->end ? std::optional(*object) : std::nullopt;
}

void Objects::allocate(std::uint32_t begin, std::uint32_t bytes, Shadow& shadow) {
  if (bytes == 0) {
    return;
  }
  use_nameless(begin);
  // What was given back before and lies under the new buffer is history, the rest of it is not.
  auto it = buffers_.upper_bound(begin);
  if (it != buffers_.begin() && std::prev(it)->second.end > begin) {
    --it;
  }
  const std::uint32_t end = begin + bytes;
  while (it != buffers_.end() && it->first < end) {
    const auto [first, old] = *it;
    it = buffers_.erase(it);
    if (first < begin) {
      buffers_[first] = {begin, false, old.freed};
    }
    if (old.end > end) {
      it = std::next(buffers_.insert_or_assign(end, Buffer{old.end, false, old.freed}).first);
    }
  }
  buffers_[begin] = {end, true, 0};
  const Object* const arena = before(begin);
  if (arena != nullptr && begin < arena->end && arenas_.insert(arena->begin).second) {
    shadow.mark(arena->begin, arena->end - arena->begin, kUnassigned, 0);
  }
  shadow.mark(begin, bytes, kUndefined, kFreed | kUnassigned);
}

bool Objects::release(std::uint32_t begin, Stamp by, Shadow& shadow) {
  const auto found = buffers_.find(begin);
  if (found == buffers_.end() || !found->second.alive) {
    return false;
  }
  found->second.alive = false;
  found->second.freed = by;
  shadow.mark(begin, found->second.end - begin, kFreed, kUndefined);
  return true;
}

Stamp Objects::freed_by(std::uint32_t address) const {
  const auto after = buffers_.upper_bound(address);
  return after == buffers_.begin() || address >= std::prev(after)->second.end
             ? 0
             : std::prev(after)->second.freed;
}

}  // namespace etude::check
