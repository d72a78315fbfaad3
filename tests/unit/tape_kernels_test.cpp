// SPDX-License-Identifier: Apache-2.0
// What an operation of the tape declares is what its kernel touches: the kernels run on this
// machine in memory where everything that is not declared is poisoned.
#include <algorithm>
#include <catch2/catch.hpp>
#include <set>
#include <vector>

#include "compiler/cost/cost_model.h"
#include "tests/support/kernel_accesses.h"
#include "tests/support/tape_cases.h"

namespace etude::compiler {
namespace {

using test::tape_cases;
using test::TapeCase;
using test::TapeScene;

constexpr unsigned kTrials = 16;

/// Whether a byte is declared as written, by another access than `except`.
bool declared(const PlanOp& op, std::uint32_t address, const Access* except = nullptr) {
  for (const Access& a : op.accesses) {
    if (&a != except && a.write && address >= a.address && address < a.end() &&
        (a.rows == 1 || (address - a.address) % a.pitch < a.row_bytes)) {
      return true;
    }
  }
  return false;
}

std::vector<std::uint8_t> run(TapeScene& scene, const PlanOp& op, unsigned workers) {
  const KernelCall& call = *op.as<KernelCall>();
  test::run_on_host(test::function_of(call.kernel), call.args.data(), workers);
  return scene.snapshot();
}

/// The bytes that are declared as written, by other accesses than `except`.
std::vector<std::uint8_t> results(const TapeScene& scene, const PlanOp& op,
                                  const std::vector<std::uint8_t>& memory,
                                  const Access* except = nullptr) {
  std::vector<std::uint8_t> found;
  for (std::uint32_t i = 0; i < memory.size(); ++i) {
    if (declared(op, scene.begin() + i, except)) {
      found.push_back(memory[i]);
    }
  }
  return found;
}

TEST_CASE("there is a case for each kernel that the tape can write", "[tape]") {
  // The runtime's batch normalisation in one piece and its FP16 product are for other programs.
  std::set<std::uint32_t> open{ETUDE_KERNEL_BATCHNORM, ETUDE_KERNEL_BATCHNORM_GRAD,
                               ETUDE_KERNEL_BATCHNORM_APPLY, ETUDE_KERNEL_GEMM_FP16};
  for (const TapeCase& one : tape_cases()) {
    open.insert(one.kernel);
  }
  CHECK(open.size() == ETUDE_KERNELS);
}

TEST_CASE("a kernel writes nothing that its operation does not declare", "[tape]") {
  for (const TapeCase& one : tape_cases()) {
    INFO(one.name);
    unsigned outside = 0;
    for (unsigned trial = 0; trial < kTrials; ++trial) {
      TapeScene scene(100 + trial);
      const CostModel cost{PlatformConfig{}};
      Tape tape{cost};
      one.write(scene, tape);
      REQUIRE(tape.ops.size() == 1);
      const PlanOp& op = tape.ops[0];
      REQUIRE(op.as<KernelCall>()->kernel == one.kernel);
      scene.fill(op, 0x7FABCDEF, trial);  // a NaN
      const auto before = scene.snapshot();
      const auto after = run(scene, op, 1 + trial % 8);
      for (std::uint32_t i = 0; i < after.size(); ++i) {
        outside += before[i] != after[i] && !declared(op, scene.begin() + i) ? 1 : 0;
      }
    }
    CHECK(outside == 0);
  }
}

TEST_CASE("what a kernel computes does not depend on bytes that its operation does not declare",
          "[tape]") {
  for (const TapeCase& one : tape_cases()) {
    INFO(one.name);
    unsigned different = 0, empty = 0;
    for (unsigned trial = 0; trial < kTrials; ++trial) {
      TapeScene scene(200 + trial);
      const CostModel cost{PlatformConfig{}};
      Tape tape{cost};
      one.write(scene, tape);
      const PlanOp& op = tape.ops[0];
      std::vector<std::uint8_t> made[3];
      const std::uint32_t poison[] = {0x7FABCDEF, 0x7149F2CA, 0xF149F2CA};  // a NaN, +-1e30
      for (int i = 0; i < 3; ++i) {
        scene.fill(op, poison[i], trial);
        made[i] = results(scene, op, run(scene, op, 1 + trial % 8));
      }
      different += made[0] != made[1] || made[0] != made[2] ? 1 : 0;
      empty += made[0].empty() ? 1 : 0;
    }
    CHECK(different == 0);
    CHECK(empty == 0);
  }
}

TEST_CASE("the first and the last element of each access that is declared are touched", "[tape]") {
  for (const TapeCase& one : tape_cases()) {
    // How often the ends of each access were written, or changed what is written elsewhere.
    std::vector<unsigned> first, last;
    for (unsigned trial = 0; trial < kTrials; ++trial) {
      TapeScene scene(300 + trial);
      const CostModel cost{PlatformConfig{}};
      Tape tape{cost};
      one.write(scene, tape);
      const PlanOp& op = tape.ops[0];
      first.resize(std::max(first.size(), op.accesses.size()));
      last.resize(first.size());
      scene.fill(op, 0x7FABCDEF, trial);
      const auto before = scene.snapshot();
      const auto usual = run(scene, op, 1);
      for (std::size_t i = 0; i < op.accesses.size(); ++i) {
        const Access& a = op.accesses[i];
        for (const bool end : {false, true}) {
          const std::uint32_t at = (end ? a.end() - one.element : a.address) - scene.begin();
          const bool written =
              a.write && !std::equal(&before[at], &before[at] + one.element, &usual[at]);
          scene.fill(op, 0x7FABCDEF, trial);
          scene.disturb(a, end ? a.rows - 1 : 0, end, a.row_bytes % 4 == 0 ? 4 : 2);
          const auto disturbed = run(scene, op, 1);
          const bool read = results(scene, op, disturbed, &a) != results(scene, op, usual, &a);
          (end ? last : first)[i] += written || read ? 1 : 0;
        }
      }
    }
    for (std::size_t i = 0; i < first.size(); ++i) {
      INFO(one.name << ", access " << i);
      CHECK(first[i] > 0);
      CHECK(last[i] > 0);
    }
  }
}

}  // namespace
}  // namespace etude::compiler
