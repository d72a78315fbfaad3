// SPDX-License-Identifier: Apache-2.0
// Whether a step's bits follow from its network and its hardware alone: sum_order [FIRST [LAST]]
// draws networks of these numbers, and compares what each leaves at six sizes of L1, with
// parameters at home in either memory, in several sizes of L2, and under random schedules, with the
// step that keeps everything. Exit status 1 if a bit differs.
#include "tests/support/sum_order.h"

#include <array>
#include <iostream>
#include <string>

#include "tests/support/random_network.h"

int main(int argc, char** argv) {
  using namespace etude::test;
  const std::uint64_t first = argc > 1 ? std::stoull(argv[1]) : 0;
  const std::uint64_t last = argc > 2 ? std::stoull(argv[2]) : first + 99;
  const unsigned schedules = argc > 3 ? static_cast<unsigned>(std::stoul(argv[3])) : 3;
  constexpr std::array<unsigned, 6> kSizes{32, 48, 64, 96, 128, 256};
  unsigned programs = 0, refused = 0, wrong = 0;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    const RandomNetwork network = random_network(seed);
    for (const unsigned kib : kSizes) {
      const auto platform = platform_for(network.precision, network.redmule, kib, 8);
      const OrderReport found =
          compare_orders(network.training, platform, network.precision, seed, schedules);
      programs += found.programs;
      refused += found.refused;
      if (!found.differences.empty()) {
        ++wrong;
        std::cout << "network " << seed << " (" << network.name << "), L1 of " << kib << " KiB\n"
                  << found.differences << std::flush;
      }
    }
  }
  std::cout << programs << " programs compared, " << refused << " refused, " << wrong
            << " cases with other bits\n";
  return wrong == 0 ? 0 : 1;
}
