// SPDX-License-Identifier: Apache-2.0
// A debugger that only looks changes nothing: not a cycle, not a byte.
#include <catch2/catch.hpp>
#include <random>

#include "models/iss/core/core.h"
#include "tests/support/in_child.h"
#include "tests/support/random_run.h"

using namespace etude;
using namespace etude::test;

namespace {

/// Is asked at random, reads at random, and sees that what it is told fits together.
class Onlooker final : public Debugger {
 public:
  explicit Onlooker(unsigned seed) : random_(seed) {}

  void begin(DebugTarget& target) override {
    target_ = &target;
    left_.assign(target.harts(), 0);
  }
  bool stops_before(unsigned hart, std::uint32_t pc) override {
    if (pc != target_->hart(hart).pc()) {
      wrong_ += 1;
    }
    return random_() % 2 != 0;
  }
  void before(unsigned hart, const DataAccess* access) override {
    const Core& core = target_->hart(hart);
    // The instruction at the pc has not left, and no access of another kind is told.
    if (access != nullptr && !core.between_parts() &&
        core.instruction(core.pc())->timing != TimingClass::kLoad &&
        core.instruction(core.pc())->timing != TimingClass::kStore &&
        core.instruction(core.pc())->timing != TimingClass::kEventLoad) {
      wrong_ += 1;
    }
    look(hart);
  }
  void after(unsigned hart) override {
    const std::uint64_t left = target_->hart(hart).busy_cycles();
    if (left > left_[hart] + 1 || left < left_[hart]) {
      wrong_ += 1;  // each instruction is told of
    }
    left_[hart] = left;
    look(hart);
  }
  void poll() override { look(0); }
  void failed(const std::string&) override { look(0); }

  std::uint64_t wrong() const { return wrong_; }
  std::uint64_t looks() const { return looks_; }

 private:
  void look(unsigned hart) {
    ++looks_;
    if (random_() % 64 == 0) {
      (void)target_->state_text(hart);
      (void)target_->csr(hart, 0xb00);
      (void)target_->read(Address{0x10000000u + static_cast<std::uint32_t>(random_() % 1024)},
                          Bytes{4});
    }
  }

  std::mt19937 random_;
  DebugTarget* target_{nullptr};
  std::vector<std::uint64_t> left_;
  std::uint64_t wrong_{0};
  std::uint64_t looks_{0};
};

}  // namespace

TEST_CASE("a debugger that only looks changes no cycle and no byte", "[engine][debug]") {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    const RandomRun run = random_run(seed);
    CAPTURE(seed, run.code.harts, run.code.groups);
    const auto plain = in_child([&run] { return account_of(run, {}); });
    auto held = in_child([&run, seed] {
      Onlooker onlooker(seed);
      EngineOptions options;
      options.debugger = &onlooker;
      auto out = account_of(run, options);
      out.push_back(onlooker.wrong());
      out.push_back(onlooker.looks());
      return out;
    });
    const std::uint64_t looks = held.back();
    held.pop_back();
    REQUIRE(held.back() == 0);
    held.pop_back();
    REQUIRE(held == plain);
    CHECK(looks > plain[0] / 100);
  }
}
