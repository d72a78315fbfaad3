// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <random>
#include <vector>

namespace etude::test {

/// A program of `length` random instructions (ALU, multiplications, divisions, binary32 arithmetic
/// in x registers, loads and stores of every size and alignment, post-increment, forward branches
/// and jumps, CSR reads) that is run `passes` times between the START and END markers, for the
/// reset pc 0x80 of the core bench. Registers s2..s11 hold values, a0 and a1 point into the data.
std::vector<std::uint8_t> random_program(std::mt19937& random, unsigned length, unsigned passes);

}  // namespace etude::test
