// SPDX-License-Identifier: Apache-2.0
// What RedMulE tells the user: counters and warnings.
#include <algorithm>
#include <utility>

#include "models/base/error.h"
#include "models/redmule/redmule.h"
#include "models/redmule/redmule_regs.h"

namespace etude {

void Redmule::warn(const std::string& key, const std::string& text) {
  for (Warning& warning : warnings_) {
    if (warning.key == key) {
      ++warning.count;
      return;
    }
  }
  warnings_.push_back({key, text, 1});
}

namespace {

/// "X", "X and W", "X, W and Z".
std::string list_of(const std::vector<const char*>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    text += i == 0 ? "" : i + 1 == names.size() ? " and " : ", ";
    text += names[i];
  }
  return text;
}

}  // namespace

void Redmule::check_job(const RedmuleJob& job, const Context& context) {
  const std::string registers = " (" + describe_job(job) + ")";
  const std::vector<int> errata = errata_of(job, config_, context.without_clear);
  // What is wrong with the registers is one warning, with the errata that the job meets anyway.
  std::string odd = odd_registers(job, context);
  std::string key = odd;
  for (const int number : errata) {
    const std::string text = "erratum " + std::to_string(number) + ": " + erratum_text(number);
    if (config_.errata == RedmuleConfig::Errata::kError && erratum_breaks_data(number)) {
      throw ProgramError("RedMulE " + text + registers);
    }
    errata_mask_ |= 1u << number;
    if (odd.empty()) {
      warn("erratum " + std::to_string(number), text + registers);
    } else {
      odd += "; " + text;
    }
  }
  if (!odd.empty()) {
    warn(key, odd + registers);
  }
}

std::string Redmule::odd_registers(const RedmuleJob& job, const Context& context) const {
  std::string text;
  const auto add = [&text](const std::string& what) { text += (text.empty() ? "" : "; ") + what; };
  if (context.registers[4] > 0xffffu) {
    add("N does not fit into its 16 bits: the upper bits are dropped");
  }
  if (job.m == 0 || job.n == 0 || job.k == 0) {
    add("a job without elements: RedMulE never finishes it, as the hardware, until it is cleared");
    return text;  // nothing else of it counts
  }
  const std::uint32_t arithmetic = context.registers[5];
  if (arithmetic >> ETUDE_REDMULE_OP_SHIFT > 7u) {
    add("operation " + std::to_string(arithmetic >> ETUDE_REDMULE_OP_SHIFT) +
        " does not fit into its 3 bits: the upper bits are dropped");
  }
  const std::uint32_t format = arithmetic >> ETUDE_REDMULE_FMT_SHIFT & 7u;
  const bool fp32 = config_.format == RedmuleConfig::Format::kFp32;
  if (fp32 != (format == ETUDE_REDMULE_FMT_FP32) || format > ETUDE_REDMULE_FMT_FP32) {
    add("format " + std::to_string(format) + " is not one of this " + (fp32 ? "fp32" : "fp16") +
        " array: it computes in format " + std::to_string(job.format));
  }
  const std::uint64_t element = config_.element_bytes();
  const std::uint64_t rows =
      (std::uint64_t{job.m} + config_.width - 1) / config_.width * config_.width;
  const struct {
    const char* name;
    std::uint32_t pointer;
    std::uint64_t bytes;
  } matrices[] = {{"X", job.x, std::uint64_t{job.m} * job.n * element},
                  {"W", job.w, std::uint64_t{job.n} * job.k * element},
                  {"Z", job.z, rows * job.k * element}};
  std::vector<const char*> zero, unaligned, outside;
  for (const auto& matrix : matrices) {
    if (matrix.pointer == 0) {
      zero.push_back(matrix.name);
    }
    if (matrix.pointer % element != 0) {
      unaligned.push_back(matrix.name);
    }
    if (has_window_ &&
        (matrix.pointer < window_base_ || matrix.pointer - window_base_ >= window_size_ ||
         matrix.bytes > window_size_ - (matrix.pointer - window_base_))) {
      outside.push_back(matrix.name);
    }
  }
  if (!zero.empty()) {
    add("the pointer to " + list_of(zero) + " is zero");
  }
  if (!unaligned.empty()) {
    add("the pointer to " + list_of(unaligned) + " is no multiple of " + std::to_string(element) +
        (fp32 ? ": its low bits are dropped" : ""));
  }
  if (!outside.empty()) {
    add(list_of(outside) + (outside.size() == 1 ? " is" : " are") +
        " not inside the memory: accesses wrap around");
  }
  return text;
}

std::vector<std::string> Redmule::take_warnings() {
  std::vector<std::string> texts;
  for (const Warning& warning : std::exchange(warnings_, {})) {
    std::string text = std::string(basename()) + ": " + warning.text;
    if (warning.count > 1) {
      text += " and " + std::to_string(warning.count - 1) + " more jobs";
    }
    texts.push_back(std::move(text));
  }
  return texts;
}

std::vector<int> Redmule::errata_seen() const {
  std::vector<int> seen;
  for (int number = 1; number <= 8; ++number) {
    if ((errata_mask_ >> number & 1u) != 0) {
      seen.push_back(number);
    }
  }
  return seen;
}

void Redmule::visit_counters(const CounterVisitor& visit) const {
  const RedmuleTally t = tally();
  const Counter counters[] = {
      {"jobs", "jobs", "Jobs finished", CounterRole::kEvent, t.jobs},
      {"active", "cycles", "Cycles from TRIGGER to the done event, over all jobs",
       CounterRole::kEvent, t.total()},
      {"busy", "cycles", "Active cycles in which the array advanced", CounterRole::kBusy, t.busy},
      {"tiler", "cycles", "Active cycles before the first request: tiler and controller",
       CounterRole::kStall, t.start},
      {"x_wait", "cycles", "Active cycles in which the array waited for X", CounterRole::kStall,
       t.x_wait},
      {"w_wait", "cycles", "Active cycles in which the array waited for W", CounterRole::kStall,
       t.w_wait},
      {"yz_wait", "cycles", "Active cycles in which the array waited for the Y/Z buffer",
       CounterRole::kStall, t.yz_wait},
      {"drain", "cycles", "Active cycles in which only rows of Z were left to store",
       CounterRole::kStall, t.drain},
      {"port_conflict", "cycles",
       "Active cycles in which the array waited and the port was refused", CounterRole::kStall,
       t.port_conflict},
      {"port_refused", "cycles", "Cycles in which the port was refused, array waiting or not",
       CounterRole::kEvent, t.refused},
      {"x_beats", "accesses", "Accesses of the wide port for X", CounterRole::kEvent,
       t.beats[static_cast<unsigned>(RedmuleStream::kX)]},
      {"w_beats", "accesses", "Accesses of the wide port for W", CounterRole::kEvent,
       t.beats[static_cast<unsigned>(RedmuleStream::kW)]},
      {"y_beats", "accesses", "Accesses of the wide port for Y", CounterRole::kEvent,
       t.beats[static_cast<unsigned>(RedmuleStream::kY)]},
      {"z_beats", "accesses", "Accesses of the wide port for Z", CounterRole::kEvent,
       t.beats[static_cast<unsigned>(RedmuleStream::kZ)]},
      {"fma_useful", "operations", "Operations on elements of the matrices", CounterRole::kEvent,
       t.fma_useful},
      {"fma_padded", "operations", "Operations on padding", CounterRole::kEvent, t.fma_padded},
  };
  for (const Counter& counter : counters) {
    visit(counter);
  }
}

}  // namespace etude
