// SPDX-License-Identifier: Apache-2.0
// A core as it is made and after reset.
#include "models/iss/core/core_inline.h"

namespace etude {
namespace {
constexpr std::uint32_t kCountersStopped = 0xd;  // mcycle, minstret, mhpmcounter3
}  // namespace

Core::Core(const sc_core::sc_module_name& name, const CoreConfig& config, DecodeCache& decode,
           CsrMap csr_map, unsigned hart_id)
    : sc_module(name), config_(config), decode_(decode), state_(decode.isa(), csr_map, hart_id) {
  const std::string place = "/platform/cluster/fpu/";
  check_range(CoreConfig::kFpuLatency, config.addmul_latency, place + "addmul_latency");
  check_range(CoreConfig::kFpuLatency, config.others_latency, place + "others_latency");
  check_range(CoreConfig::kSharedFpus, config.shared_fpus, place + "shared");
  for (const TimingClass timing :
       {TimingClass::kFpAddMul, TimingClass::kFpOther, TimingClass::kFpDivSqrt}) {
    fp_kind_[static_cast<unsigned>(timing) - kFirstFp] = fp_class(timing);
  }
  reset(0, Cycle{0});
  decode_.add_user(*this);
}

Core::~Core() { decode_.remove_user(*this); }

// The access goes on as any other one.
void Core::leave_calm_access() {
  if (calm_flushes_ == kNoCalmAccess) {
    return;
  }
  calm_flushes_ = kNoCalmAccess;
  if (waiting_ == Waiting::kData) {
    instr_ = page_[calm_op_ - calm_ops_];
    enter_ = access_.when.raw();
  }
}

void Core::reset(std::uint32_t pc, Cycle start) {
  state_.reset(pc);
  state_.csr.mcountinhibit = config_.counters_stopped ? kCountersStopped : 0;
  start_ = start.raw();
  gated_ = 0;
  ex_enter_ = ex_free_ = start_;
  wb_busy_ = 0;
  hazard_ = older_hazard_ = Hazard{};
  slow_fp_ = SlowFp{false, 0xff, 0, 0};
  fp_return_ = 0;
  response_[0] = response_[1] = ~std::uint64_t{0};
  last_rd_ = 0xff;
  slow_classes_ = kAlwaysSlow;
  waiting_ = Waiting::kNothing;
  calm_flushes_ = kNoCalmAccess;
  second_part_ = false;
  halted_ = false;
  first_bytes_ = 0;
  fetch_free_ = 0;
  stay_.line = refused_ = false;
  stood_until_ = 0;
  answered_ = 0;
  missed_rvalid_ = 0;
  missed_word_ = ~0u;
  older_missed_rvalid_ = 0;
  older_missed_word_ = ~0u;
  fetched_[0] = fetched_[1] = held_[0] = held_[1] = line_ = ~0u;
  forget_calm_lines();
  known_.fill(~0u);
  mip_ = 0;
  mip_from_ = 0;
  irq_from_ = ~std::uint64_t{0};
  stay_.interrupts = became_interruptible_ = stay_.present = false;
  for (Counter& counter : retired_) {
    counter.value = 0;
  }
  stalls_ = {};
  trap_ = {};
  error_.clear();
  warnings_.clear();
  fp_mode_changed();
  redirect(start_, start_ + config_.timing.fetch, StallReason::kSleep);
}

}  // namespace etude
