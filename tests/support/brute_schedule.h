// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "compiler/schedule/schedule_problem.h"

namespace etude::compiler {

/// Dynamic energy and time of a schedule that no other one beats in both.
struct BrutePoint {
  double joules = 0;  ///< without static power
  double seconds = 0;
};

/// Every schedule of a small problem within a budget, slot by slot: which transfers begin and how
/// long they may take, which operators run again, what is given up. In a slot everything that runs
/// again is in memory at once. The front of energy and time, by energy; empty if nothing fits.
/// Times should be small whole numbers: states that are the same are then found to be.
/// `most_joules`, static power included, `most_seconds`, and `most_product` of both: what costs
/// more is not looked at.
std::vector<BrutePoint> brute_force(const ScheduleProblem& problem, Bytes budget,
                                    double most_joules = 1e300, double most_seconds = 1e300,
                                    double most_product = 1e300);

}  // namespace etude::compiler
