// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sim/check/order.h"
#include "sim/check/shadow.h"
#include "sim/platform/elf_file.h"

namespace etude::check {

/// What a program declares: the objects of its symbols, and the buffers that it marks as given out
/// and given back in arenas.
class Objects {
 public:
  struct Object {
    std::uint32_t begin, end;
    std::string name;
    bool buffer{false};  ///< of an arena; then the name has an offset
  };
  /// A buffer of an arena.
  struct Buffer {
    std::uint32_t end;
    bool alive;
    Stamp freed;  ///< by whom
  };

  /// Takes the data symbols of `elf`, and marks in `shadow` the bytes outside of them: in writable
  /// sections those between objects, and behind a section a red zone where nothing else is.
  void declare(const ElfFile& elf, Shadow& shadow);
  /// One more object.
  void add(std::uint32_t begin, std::uint32_t bytes, std::string name);

  /// A name for memory that no object holds; several may share it.
  void name_place(std::uint32_t begin, std::uint32_t bytes, const std::string& name) {
    places_.push_back({begin, begin + bytes, name, false});
  }

  /// "symbol+offset" of an address: of the object that holds it, else of the one before it if that
  /// is near; else the bare number.
  std::string describe(std::uint32_t address) const;
  /// The innermost object or living buffer that holds `address`; null if none does.
  std::optional<Object> holder(std::uint32_t address) const;
  /// How far the object before `address` is away, "0 bytes past a"; empty if none is near.
  std::string distance(std::uint32_t address) const;

  /// Whether `address` is in no section, in a stretch of memory in which the program names nothing,
  /// of a memory in which it does: neither a heap nor a stack can be there.
  /// Nor does it say so of a stretch in which a stack pointer, `sp`, stands.
  bool nameless(std::uint32_t address, std::uint32_t sp) const {
    return std::ranges::any_of(nameless_, [=](const Object& o) {
      const std::uint32_t bytes = o.end - o.begin;
      return address - o.begin < bytes && sp - 1 - o.begin >= bytes;
    });
  }
  /// Whether `address` is in a section that is not writable.
  bool read_only(std::uint32_t address) const {
    return std::ranges::any_of(
        read_only_, [=](const Object& o) { return address - o.begin < o.end - o.begin; });
  }
  /// The same of some byte of [begin, end).
  bool touches_read_only(std::uint32_t begin, std::uint64_t end) const {
    return std::ranges::any_of(read_only_,
                               [=](const Object& o) { return begin < o.end && o.begin < end; });
  }
  /// Something is declared at `address`: the stretch around it is used without names.
  void use_nameless(std::uint32_t address) {
    std::erase_if(nameless_, [=](const Object& o) { return address - o.begin < o.end - o.begin; });
  }
  /// [begin, begin + bytes) alone is declared.
  void name_bytes(std::uint32_t begin, std::uint32_t bytes);
  /// The task list says what lies where: nothing is nameless or read-only.
  void forget_sections() {
    nameless_.clear();
    read_only_.clear();
  }

  /// [begin, begin + bytes) is given out, its contents undefined.
  void allocate(std::uint32_t begin, std::uint32_t bytes, Shadow& shadow);
  /// The buffer that begins at `begin` is given back. False: there is no such buffer.
  bool release(std::uint32_t begin, Stamp by, Shadow& shadow);
  /// Who gave back what stood at `address`; 0 if nobody did.
  Stamp freed_by(std::uint32_t address) const;

 private:
  static constexpr std::uint32_t kRedZone = 64;

  void find_nameless(const ElfFile& elf);
  const Object* before(std::uint32_t address) const;

  std::vector<Object> objects_;  ///< in the order of begins, outer ones first
  std::uint32_t longest_{0};
  std::vector<Object> places_, nameless_, read_only_;
  std::map<std::uint32_t, Buffer> buffers_;
  std::set<std::uint32_t> arenas_;  ///< objects that buffers were given out of, by their begin
};

}  // namespace etude::check
