// SPDX-License-Identifier: Apache-2.0
// What RedMulE tells the user: counters and warnings.
#include <algorithm>

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

void Redmule::check_job(const RedmuleJob& job, const Context& context) {
  check_registers(job, context);
  for (const int number : errata_of(job, config_, context.without_clear)) {
    const std::string text = "erratum " + std::to_string(number) + ": " + erratum_text(number) +
                             " (" + describe_job(job) + ")";
    if (config_.errata == RedmuleConfig::Errata::kError && erratum_breaks_data(number)) {
      throw ProgramError("RedMulE " + text);
    }
    errata_mask_ |= 1u << number;
    warn("erratum " + std::to_string(number), text);
  }
}

void Redmule::check_registers(const RedmuleJob& job, const Context& context) {
  const std::string registers = " (" + describe_job(job) + ")";
  if (job.m == 0 || job.n == 0 || job.k == 0) {
    warn("empty",
         "a job without elements: RedMulE never finishes it, as the hardware, until it is "
         "cleared" +
             registers);
    return;
  }
  if (context.registers[4] > 0xffffu) {
    warn("n", "N does not fit into its 16 bits: the upper bits are dropped" + registers);
  }
  const std::uint32_t format = context.registers[5] >> ETUDE_REDMULE_FMT_SHIFT & 7u;
  const bool fp32 = config_.format == RedmuleConfig::Format::kFp32;
  if (fp32 != (format == ETUDE_REDMULE_FMT_FP32) || format > ETUDE_REDMULE_FMT_FP32) {
    warn("format", "format " + std::to_string(format) + " is not one of this " +
                       (fp32 ? "fp32" : "fp16") + " array: it computes in format " +
                       std::to_string(job.format) + registers);
  }
  const std::uint64_t element = config_.element_bytes();
  const std::uint64_t rows = (job.m + config_.width - 1) / config_.width * config_.width;
  const struct {
    const char* name;
    std::uint32_t pointer;
    std::uint64_t bytes;
  } matrices[] = {{"X", job.x, std::uint64_t{job.m} * job.n * element},
                  {"W", job.w, std::uint64_t{job.n} * job.k * element},
                  {"Z", job.z, rows * job.k * element}};
  for (const auto& matrix : matrices) {
    if (matrix.pointer == 0) {
      warn(std::string("zero ") + matrix.name,
           std::string("the pointer to ") + matrix.name + " is zero" + registers);
    }
    if (matrix.pointer % element != 0) {
      warn(std::string("unaligned ") + matrix.name,
           std::string("the pointer to ") + matrix.name + " is no multiple of " +
               std::to_string(element) + (fp32 ? ": its low bits are dropped" : "") + registers);
    }
    if (has_window_ &&
        (matrix.pointer < window_base_ || matrix.pointer - window_base_ >= window_size_ ||
         matrix.bytes > window_size_ - (matrix.pointer - window_base_))) {
      warn(
          std::string("outside ") + matrix.name,
          std::string(matrix.name) + " is not inside the memory: accesses wrap around" + registers);
    }
  }
}

void Redmule::collect_warnings(std::vector<std::string>& warnings) const {
  for (const Warning& warning : warnings_) {
    std::string text = std::string(basename()) + ": " + warning.text;
    if (warning.count > 1) {
      text += " and " + std::to_string(warning.count - 1) + " more jobs";
    }
    warnings.push_back(std::move(text));
  }
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
      {"jobs", "jobs", "Jobs finished", t.jobs},
      {"active", "cycles", "Cycles from TRIGGER to the done event, over all jobs", t.total()},
      {"busy", "cycles", "Active cycles in which the array advanced", t.busy},
      {"tiler", "cycles", "Active cycles before the first request: tiler and controller", t.start},
      {"x_wait", "cycles", "Active cycles in which the array waited for X", t.x_wait},
      {"w_wait", "cycles", "Active cycles in which the array waited for W", t.w_wait},
      {"yz_wait", "cycles", "Active cycles in which the array waited for the Y/Z buffer",
       t.yz_wait},
      {"drain", "cycles", "Active cycles in which only rows of Z were left to store", t.drain},
      {"port_conflict", "cycles",
       "Active cycles in which the array waited and the port was refused", t.port_conflict},
      {"port_refused", "cycles", "Cycles in which the port was refused, array waiting or not",
       t.refused},
      {"x_beats", "accesses", "Accesses of the wide port for X",
       t.beats[static_cast<unsigned>(RedmuleStream::kX)]},
      {"w_beats", "accesses", "Accesses of the wide port for W",
       t.beats[static_cast<unsigned>(RedmuleStream::kW)]},
      {"y_beats", "accesses", "Accesses of the wide port for Y",
       t.beats[static_cast<unsigned>(RedmuleStream::kY)]},
      {"z_beats", "accesses", "Accesses of the wide port for Z",
       t.beats[static_cast<unsigned>(RedmuleStream::kZ)]},
      {"fma_useful", "operations", "Operations on elements of the matrices", t.fma_useful},
      {"fma_padded", "operations", "Operations on padding", t.fma_padded},
  };
  for (const Counter& counter : counters) {
    visit(counter);
  }
}

}  // namespace etude
