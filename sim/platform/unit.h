// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "models/base/counter.h"
#include "models/base/types.h"

namespace etude {

/// One unit of the platform, as its component describes itself: what it is called in result.json,
/// what it counts, what the user should know. A unit without counters or warnings visits and
/// returns nothing.
struct PlatformUnit {
  std::string name;
  std::function<void(const CounterVisitor&)> visit_counters;
  std::function<std::vector<std::string>()> take_warnings;  ///< each is handed over once
};

/// The next cycle in which a component acts by itself.
struct NextActivity {
  void* component;
  std::uint64_t (*next)(const void* component, std::uint64_t now);
};

/// A component that can act without being spoken to.
template <class Component>
concept ActsByItself = requires(const Component& c) { c.next_activity(); } ||
                       requires(const Component& c) { c.next_activity(Cycle{}); };

template <class Component>
PlatformUnit describe_unit(std::string name, Component& component) {
  PlatformUnit unit{std::move(name), [](const CounterVisitor&) {},
                    [] { return std::vector<std::string>{}; }};
  if constexpr (requires(const CounterVisitor& visit) { component.visit_counters(visit); }) {
    unit.visit_counters = [&component](const CounterVisitor& visit) {
      component.visit_counters(visit);
    };
  }
  if constexpr (requires { component.take_warnings(); }) {
    unit.take_warnings = [&component] { return component.take_warnings(); };
  }
  return unit;
}

template <ActsByItself Component>
NextActivity next_activity_of(Component& component) {
  return {&component, [](const void* it, std::uint64_t now) -> std::uint64_t {
            const auto& c = *static_cast<const Component*>(it);
            if constexpr (requires { c.next_activity(); }) {
              return c.next_activity().raw();
            } else {
              return c.next_activity(Cycle{now}).raw();
            }
          }};
}

}  // namespace etude
