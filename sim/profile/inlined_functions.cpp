// SPDX-License-Identifier: Apache-2.0
#include "sim/profile/inlined_functions.h"

#include <dwarf.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <iterator>

namespace etude {
namespace {

/// Value of a numeric attribute; 0 if it is not there.
Dwarf_Word number_of(Dwarf_Die* die, unsigned attribute) {
  Dwarf_Attribute found;
  Dwarf_Word value = 0;
  return dwarf_attr(die, attribute, &found) != nullptr && dwarf_formudata(&found, &value) == 0
             ? value
             : 0;
}

}  // namespace

void InlinedFunctions::read(Dwarf_Die* unit) {
  std::size_t count = 0;
  if (dwarf_getsrcfiles(unit, &files_, &count) != 0) {
    files_ = nullptr;
  }
  visit(unit, 0);
}

void InlinedFunctions::visit(Dwarf_Die* parent, std::uint32_t outer) {
  Dwarf_Die child;
  if (dwarf_child(parent, &child) != 0) {
    return;
  }
  do {
    switch (dwarf_tag(&child)) {
      case DW_TAG_inlined_subroutine:
        visit(&child, add(&child, outer));
        break;
      case DW_TAG_subprogram:
      case DW_TAG_lexical_block:
        visit(&child, outer);
        break;
      default:
        break;
    }
  } while (dwarf_siblingof(&child, &child) == 0);
}

std::uint32_t InlinedFunctions::add(Dwarf_Die* inlined, std::uint32_t outer) {
  const char* const name = dwarf_diename(inlined);
  if (name == nullptr) {
    return outer;
  }
  const char* const file =
      files_ != nullptr
          ? dwarf_filesrc(files_, number_of(inlined, DW_AT_call_file), nullptr, nullptr)
          : nullptr;
  const std::string from = file == nullptr
                               ? ""
                               : " (" + std::filesystem::path(file).filename().string() + ":" +
                                     std::to_string(number_of(inlined, DW_AT_call_line)) + ")";
  const auto call = static_cast<std::uint32_t>(calls_.size());
  const unsigned depth = calls_[outer].depth + 1;
  calls_.push_back({name, from, outer, depth});
  Dwarf_Addr base = 0, begin = 0, end = 0;
  std::ptrdiff_t offset = 0;
  while ((offset = dwarf_ranges(inlined, offset, &base, &begin, &end)) > 0) {
    // Code that the linker has thrown away is at address 0.
    if (begin != 0 && begin < end && end <= 0xffffffffu) {
      pieces_.push_back(
          {depth, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end), call});
    }
  }
  return call;
}

// Outer ones first, so that inner ones take their place.
void InlinedFunctions::fill() {
  std::ranges::stable_sort(pieces_, {}, &Piece::depth);
  for (const Piece& piece : pieces_) {
    const std::uint32_t behind = std::prev(starts_.upper_bound(piece.end))->second;
    starts_.erase(starts_.lower_bound(piece.begin), starts_.lower_bound(piece.end));
    starts_[piece.begin] = piece.call;
    starts_.try_emplace(piece.end, behind);
  }
  pieces_.clear();
}

std::string InlinedFunctions::describe(std::uint32_t pc, const std::string& place,
                                       const std::string& function) const {
  std::string text;
  const std::string* from = &place;
  for (std::uint32_t n = std::prev(starts_.upper_bound(pc))->second; n != 0; n = calls_[n].outer) {
    text += calls_[n].name + *from + " in ";
    from = &calls_[n].from;
  }
  return text + function + *from;
}

}  // namespace etude
