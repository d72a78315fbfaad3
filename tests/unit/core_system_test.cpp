// SPDX-License-Identifier: Apache-2.0
// Interrupts, sleep, traps, shared FPUs, and hardware loops that no program should have.
#include <catch2/catch.hpp>

#include "tests/support/core_bench.h"

using namespace etude;
using namespace etude::test;

namespace {

const std::string kMarch = "rv32imc_zfinx_zicsr_zifencei_xcvmem";
const std::string kIsa = "rv32imc_zfinx_zicsr_zifencei_xcvmem_xcvhwlp_xcvelw";

struct Step {
  std::uint32_t pc;
  std::uint64_t enter;
};

void record(CoreBench& bench, std::vector<Step>& steps) {
  bench.core().set_retire_hook(
      [](void* context, const Core&, const Retired& retired) {
        static_cast<std::vector<Step>*>(context)->push_back({retired.pc, retired.enter.raw()});
      },
      &steps);
}

std::uint64_t enter_of(const std::vector<Step>& steps, std::uint32_t pc) {
  for (const Step& step : steps) {
    if (step.pc == pc) {
      return step.enter;
    }
  }
  FAIL("pc " << pc << " was not reached");
  return 0;
}

}  // namespace

TEST_CASE("wfi sleeps until a line that is enabled; the next instruction 4 cycles after it",
          "[core]") {
  CoreBench bench(kIsa);
  bench.load(0x80, assemble_flat(".option norvc\n li t0,0x80\n csrw mie,t0\n wfi\n nop\n1: j 1b\n",
                                 kMarch));
  std::vector<Step> steps;
  record(bench, steps);
  Core& core = bench.core();
  CHECK(core.run(Cycle{1000}) == CoreWait::kSleep);
  core.set_irq_lines(0x8, Cycle{50});  // not enabled
  CHECK(core.run(Cycle{1000}) == CoreWait::kSleep);
  core.set_irq_lines(0x80, Cycle{60});
  CHECK(core.run(Cycle{70}) == CoreWait::kLimit);
  CHECK(enter_of(steps, 0x8c) == 64);
}

TEST_CASE("an interrupt is taken in front of the first instruction after its line", "[core]") {
  CoreBench bench(kIsa);
  // mtvec 0x100, timer interrupt on; the handler stores mcause and stays.
  bench.load(0x80, assemble_flat(".option norvc\n li t0,0x101\n csrw mtvec,t0\n li t0,0x80\n"
                                 " csrw mie,t0\n csrsi mstatus,8\n1: addi t1,t1,1\n j 1b\n"
                                 " .org 0x9c\n csrr t2,mcause\n2: j 2b\n",
                                 kMarch));
  std::vector<Step> steps;
  record(bench, steps);
  Core& core = bench.core();
  CHECK_FALSE(core.interrupts_possible());
  CHECK(core.run(Cycle{1000}) == CoreWait::kLimit);
  REQUIRE(core.interrupts_possible());  // came back as soon as an interrupt could come
  CHECK(core.next_cycle().raw() < 40);
  for (std::uint64_t now = core.next_cycle().raw(); now < 60; ++now) {
    core.run(Cycle{now + 1});
  }
  core.set_irq_lines(0x80, Cycle{60});
  CHECK(core.run(Cycle{100}) == CoreWait::kLimit);
  // Vector 7: 0x100 + 4 * 7 = 0x11c.
  CHECK(enter_of(steps, 0x11c) >= 64);
  CHECK(enter_of(steps, 0x11c) <= 67);
  CHECK(core.state().x(7) == 0x80000007u);
  CHECK((core.state().csr.mepc == 0x94 || core.state().csr.mepc == 0x98));
}

TEST_CASE("a trap without a handler stops the core with its cause", "[core]") {
  CoreBench bench(kIsa);
  bench.load(0x80,
             assemble_flat(".option norvc\n lui t0,0x40000\n csrw mtvec,t0\n .word 0\n", kMarch));
  CHECK(bench.core().run(Cycle{1000}) == CoreWait::kHalt);
  CHECK(bench.core().halted());
  CHECK(bench.core().last_trap().cause == Cause::kIllegal);
  CHECK(bench.core().last_trap().pc == 0x88);
  CHECK(bench.core().error().find("cause 2 at pc 0x00000088") != std::string::npos);
}

TEST_CASE("a shared FPU that grants at once is a private one; a wait adds its length", "[core]") {
  const auto program = assemble_flat(
      ".option norvc\n lui tp,0x1000f\n .balign 16\n nop\n nop\n nop\n sw x0,0(tp)\n"
      " fadd.s s4,s2,s3\n fadd.s s5,s4,s3\n fmul.s s6,s2,s3\n sw x0,4(tp)\n sw x0,8(tp)\n",
      kMarch);
  CoreBench alone(kIsa);
  alone.load(0x80, program);
  alone.run(1000, false);
  for (const unsigned wait : {0u, 3u}) {
    CoreConfig config;
    config.private_fpu = false;
    CoreBench bench(kIsa, config);
    bench.load(0x80, program);
    Core& core = bench.core();
    unsigned asked = 0;
    while (!bench.exit_status()) {
      bench.run(1000, false);
      if (!bench.exit_status()) {
        REQUIRE(core.run(Cycle{1000}) == CoreWait::kFpu);
        core.complete_fpu(Cycle{core.fpu_when().raw() + wait});
        ++asked;
      }
    }
    CHECK(asked == 3);
    CHECK(bench.marker_cycles() == alone.marker_cycles() + 3 * wait);
    CHECK(core.stall_cycles(StallReason::kSharedFpu) == 3 * wait);
  }
}

TEST_CASE("a taken branch in a hardware-loop body is an error, or ignored with a warning",
          "[core]") {
  // cv.setupi 0, 3 passes, end 4 words on: a body of addi, branch, addi.
  const auto program = assemble_flat(
      ".option norvc\n lui tp,0x1000f\n .word 0x462b | 4 << 15 | 3 << 20\n addi t1,t1,1\n"
      " beqz x0,1f\n addi t2,t2,1\n1: nop\n sw x0,8(tp)\n",
      kMarch);
  CoreBench strict(kIsa);
  strict.load(0x80, program);
  strict.run(1000, false);
  CHECK_FALSE(strict.exit_status());
  CHECK(strict.core().halted());
  CHECK(strict.core().error().find("pc 0x0000008c") != std::string::npos);
  CoreConfig config;
  config.ignore_loop_branches = true;
  CoreBench lenient(kIsa, config);
  lenient.load(0x80, program);
  lenient.run(1000, false);
  CHECK(lenient.exit_status() == 0u);
  CHECK(lenient.core().take_warnings().size() == 1);
  CHECK(lenient.core().state().x(6) == 3);
  CHECK(lenient.core().state().x(7) == 3);  // the branch never skipped it
}

TEST_CASE("a hardware-loop body of one is left after two passes, with a warning", "[core]") {
  CoreBench bench(kIsa);
  bench.load(0x80,
             assemble_flat(".option norvc\n lui tp,0x1000f\n .word 0x462b | 2 << 15 | 10 << 20\n"
                           " addi t1,t1,1\n sw x0,8(tp)\n",
                           kMarch));
  bench.run(1000, false);
  CHECK(bench.exit_status() == 0u);
  CHECK(bench.core().state().x(6) == 2);
  CHECK(bench.core().take_warnings().size() == 1);
}
