// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>

namespace etude {

/// One statistic of a component: its name is its name in result.json; the sentence is its
/// documentation.
struct Counter {
  const char* name;
  const char* unit;
  const char* sentence;
  std::uint64_t value{0};

  Counter& operator++() { return ++value, *this; }
  Counter& operator+=(std::uint64_t n) { return value += n, *this; }
};

/// Called once for each counter of a component.
using CounterVisitor = std::function<void(const Counter&)>;

}  // namespace etude
