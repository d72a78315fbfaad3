// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>

namespace etude {

/// What a counter's number is in the account of its component's cycles.
enum class CounterRole : std::uint8_t {
  kEvent,  ///< no part of it: things that happened, or cycles of something else. Memories book
           ///< their cycles ahead, perhaps beyond the end of a step, so these are events too
  kBusy,   ///< the component did its work; one counter of a component at most
  kStall,  ///< it had work and waited for the reason that is the counter's name
};

/// One statistic of a component: after the component's name and a dot, its name is its name in
/// result.json; the sentence is its documentation.
struct Counter {
  const char* name;
  const char* unit;
  const char* sentence;
  CounterRole role{CounterRole::kEvent};
  std::uint64_t value{0};

  Counter& operator++() { return ++value, *this; }
  Counter& operator+=(std::uint64_t n) { return value += n, *this; }
};

/// Called once for each counter of a component.
using CounterVisitor = std::function<void(const Counter&)>;

}  // namespace etude
