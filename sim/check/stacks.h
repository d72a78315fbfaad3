// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>

#include "sim/check/order.h"

namespace etude::check {

/// Which stack each hart has, and how far down it has come: by its stack pointer, looked at with
/// each access. A hart's stack is the declared one in which its pointer lies first.
class Stacks {
 public:
  struct Stack {
    std::uint32_t begin{0}, end{0};
    std::string name;
  };
  void declare(std::uint32_t begin, std::uint32_t bytes, std::string name) {
    declared_.push_back({begin, begin + bytes, std::move(name)});
  }
  /// `hart` says by its CSRs that [begin, end) is its stack.
  void enter(unsigned hart, std::uint32_t begin, std::uint32_t end, std::uint32_t sp,
             std::string name) {
    declared_.push_front({begin, end, std::move(name)});
    harts_[hart] = {begin, end, sp, end - sp, &declared_.front(), ~0u};
  }

  /// True if nothing is to be said of `sp`: the usual case.
  bool fine(unsigned hart, std::uint32_t sp) const {
    const Hart& h = harts_[hart];
    return sp - h.lowest <= h.span;
  }
  /// Otherwise: a hart that has no stack gets one, a deeper place is kept. False: `sp` has left the
  /// stack.
  bool look(unsigned hart, std::uint32_t sp) {
    Hart& h = harts_[hart];
    if (h.end == 0) {
      const auto found = std::ranges::find_if(
          declared_, [sp](const Stack& s) { return sp > s.begin && sp <= s.end; });
      if (found == declared_.end()) {
        return true;
      }
      h = {found->begin, found->end, sp, found->end - sp, &*found, ~0u};
      return true;
    }
    if (sp < h.begin || sp > h.end) {
      h.below = std::min(h.below, sp);
      return false;
    }
    h.lowest = sp;
    h.span = h.end - sp;
    return true;
  }
  /// Whether any stack is known.
  bool any() const { return !declared_.empty(); }
  /// The stack of `hart`; null if none is known.
  const Stack* of(unsigned hart) const { return harts_[hart].stack; }
  /// The most bytes that were in use, more than the stack has if it has run over.
  std::uint32_t used(unsigned hart) const {
    const Hart& h = harts_[hart];
    return h.end - std::min(h.lowest, h.below);
  }

 private:
  struct Hart {
    std::uint32_t begin{0}, end{0};
    std::uint32_t lowest{1}, span{0};
    const Stack* stack{nullptr};
    std::uint32_t below{~0u};  ///< lowest pointer that had left it
  };
  std::deque<Stack> declared_;  ///< pointers into it stay
  std::array<Hart, kHarts> harts_;
};

}  // namespace etude::check
