// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace etude::test {

/// Runs `measure` in a forked process and hands back its numbers. SystemC elaborates once per
/// process, so tests of wired modules are measured there and checked here. Throws when the child
/// fails.
std::vector<std::uint64_t> in_child(const std::function<std::vector<std::uint64_t>()>& measure);

}  // namespace etude::test
