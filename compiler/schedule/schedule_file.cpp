// SPDX-License-Identifier: Apache-2.0
#include "compiler/schedule/schedule_file.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <tuple>

#include "compiler/schedule/bit_stream.h"
#include "compiler/schedule/lifetimes.h"
#include "models/base/error.h"

namespace etude::compiler {
namespace {
using Policy = ScheduleConfig::Policy;
using Objective = ScheduleConfig::Objective;
using PageTo = ScheduleConfig::PageTo;

// Places in these are what files hold: only append.
constexpr std::array kPolicies{Policy::kKeep, Policy::kOptimal,  Policy::kCheckmate, Policy::kPage,
                               Policy::kSqrt, Policy::kCapuchin, Policy::kPofo,      Policy::kPoet};
constexpr std::array kObjectives{Objective::kEnergy, Objective::kTime, Objective::kEdp,
                                 Objective::kPeak};
constexpr std::array kPageTo{PageTo::kExtmem, PageTo::kFlash};

constexpr std::array<std::uint8_t, 4> kMagic{'E', 'S', 'C', 'H'};
constexpr std::size_t kVersionAt = kMagic.size();
constexpr std::size_t kPurposeAt = kVersionAt + 1;  // policy; objective and memory of pages
constexpr std::size_t kGraphAt = kPurposeAt + 2;
constexpr std::size_t kBodyAt = kGraphAt + 8;
constexpr std::size_t kSumBytes = 4;

[[noreturn]] void refuse(const std::string& where, const std::string& what,
                         const std::string& instead) {
  throw UserError(where, what, instead);
}

template <class List, class Value>
std::uint8_t place_in(const List& list, Value value) {
  return static_cast<std::uint8_t>(std::ranges::find(list, value) - list.begin());
}

/// CRC-32 of IEEE 802.3, reflected: it finds every change of up to 32 neighbouring bits.
std::uint32_t check_sum(const std::uint8_t* first, std::size_t bytes) {
  std::uint32_t sum = ~0u;
  for (std::size_t i = 0; i < bytes; ++i) {
    sum ^= first[i];
    for (unsigned bit = 0; bit < 8; ++bit) {
      sum = sum >> 1 ^ ((sum & 1) != 0 ? 0xEDB88320u : 0u);
    }
  }
  return ~sum;
}

void append(std::vector<std::uint8_t>& bytes, std::uint64_t value, unsigned count) {
  for (unsigned i = 0; i < count; ++i) {
    bytes.push_back(static_cast<std::uint8_t>(value >> 8 * i));
  }
}

std::uint64_t number_at(const std::vector<std::uint8_t>& bytes, std::size_t at, unsigned count) {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < count; ++i) {
    value |= std::uint64_t{bytes[at + i]} << 8 * i;
  }
  return value;
}

unsigned bits_for(std::size_t count) {
  return count <= 1 ? 0 : static_cast<unsigned>(std::bit_width(count - 1));
}

/// FNV-1a by bytes.
class Hash {
 public:
  void add(std::uint64_t number) {
    for (unsigned i = 0; i < 8; ++i) {
      byte(static_cast<std::uint8_t>(number >> 8 * i));
    }
  }
  void add(const std::string& text) {
    add(text.size());
    for (const char c : text) {
      byte(static_cast<std::uint8_t>(c));
    }
  }
  template <class T>
  void add(const std::vector<T>& list) {
    add(list.size());
    for (const T each : list) {
      add(std::uint64_t{each});
    }
  }
  std::uint64_t value() const { return value_; }

 private:
  void byte(std::uint8_t b) { value_ = (value_ ^ b) * 0x100000001B3ull; }
  std::uint64_t value_ = 0xCBF29CE484222325ull;
};

auto page_order(const TensorPage& page) {
  return std::tuple(page.first, page.last, page.tensor, page.direction);
}

/// Slots whose operators run again in front of `own`, ascending.
std::vector<SlotId> again_at(const EventSchedule& schedule, SlotId own) {
  std::vector<SlotId> again;
  for (const ScheduledOperator& op : schedule.slots[own]) {
    if (op.slot != own) {
      again.push_back(op.slot);
    }
  }
  std::ranges::sort(again);
  return again;
}

void write_recomputes(const EventSchedule& schedule, unsigned slot_bits, BitWriter& out) {
  std::vector<SlotId> where;
  for (SlotId slot = 0; slot < schedule.slots.size(); ++slot) {
    if (schedule.slots[slot].size() > 1) {
      where.push_back(slot);
    }
  }
  out.number(where.size());
  SlotId from = 0;
  for (const SlotId slot : where) {
    out.number(slot - from);
    from = slot + 1;
    const auto again = again_at(schedule, slot);
    out.number(again.size() - 1);
    out.bits(again.front(), slot_bits);
    for (std::size_t i = 1; i < again.size(); ++i) {
      out.number(again[i] - again[i - 1] - 1);
    }
  }
}

void write_pages(std::vector<TensorPage> pages, unsigned tensor_bits, BitWriter& out) {
  std::ranges::sort(pages, {}, page_order);
  out.number(pages.size());
  SlotId from = 0;
  for (const TensorPage& page : pages) {
    out.number(page.first - from);
    out.number(page.last + 1 - page.first);  // 0: the point in front of `first`
    out.bits(page.tensor, tensor_bits);
    out.bits(page.direction == TensorPage::Direction::kOut ? 1 : 0, 1);
    from = page.first;
  }
}

BitReader body_of(const std::vector<std::uint8_t>& bytes) {
  return {bytes.data() + kBodyAt, bytes.size() - kBodyAt - kSumBytes};
}

/// The first number of a body.
std::optional<Bytes> budget_in(BitReader& body) {
  const std::uint64_t number = body.number();
  return number > 0 ? std::optional(Bytes{number - 1}) : std::nullopt;
}

/// Reads a body, as far as what it says is possible.
class Body {
 public:
  Body(BitReader& in, const ScheduleProblem& problem) : in_(in), problem_(problem) {}

  /// Nothing if it is impossible.
  std::optional<EventSchedule> read() {
    Decisions decisions;
    decisions.recomputes.resize(problem_.slots.size());
    if (!read_recomputes(decisions) || !read_pages(decisions) || !in_.at_end()) {
      return std::nullopt;
    }
    return with_lifetimes(problem_, decisions);
  }

 private:
  /// A slot that comes `distance` behind `from`, or one past the last.
  SlotId slot_behind(std::uint64_t from, std::uint64_t distance) const {
    const std::uint64_t slots = problem_.slots.size();
    return static_cast<SlotId>(distance < slots ? std::min(from + distance, slots) : slots);
  }

  bool read_recomputes(Decisions& decisions) {
    const unsigned slot_bits = bits_for(problem_.slots.size());
    SlotId from = 0;
    for (std::uint64_t left = in_.number(); left > 0; --left) {
      const SlotId before = slot_behind(from, in_.number());
      from = before + 1;
      SlotId again = slot_behind(0, 0);
      for (std::uint64_t more = in_.number(), i = 0; i <= more; ++i) {
        again = i == 0 ? slot_behind(0, in_.bits(slot_bits))
                       : slot_behind(std::uint64_t{again} + 1, in_.number());
        if (!in_.ok() || before >= problem_.slots.size() || again >= before ||
            !problem_.slots[again].recomputable) {
          return false;
        }
        decisions.recomputes[before].push_back(again);
      }
    }
    return in_.ok();
  }

  bool read_pages(Decisions& decisions) {
    const unsigned tensor_bits = bits_for(problem_.tensors.size());
    SlotId from = 0;
    for (std::uint64_t left = in_.number(); left > 0; --left) {
      TensorPage page;
      page.first = from = slot_behind(from, in_.number());
      const std::uint64_t length = in_.number();
      if (length == 0 && page.first == 0) {
        return false;
      }
      page.last = length == 0 ? page.first - 1 : slot_behind(page.first, length - 1);
      page.tensor = static_cast<StorageId>(in_.bits(tensor_bits));
      page.direction = in_.bits(1) != 0 ? TensorPage::Direction::kOut : TensorPage::Direction::kIn;
      if (!in_.ok() || std::max(page.first, page.last) >= problem_.slots.size() ||
          page.tensor >= problem_.tensors.size()) {
        return false;
      }
      decisions.pages.push_back(page);
    }
    return in_.ok() && std::ranges::is_sorted(decisions.pages, {}, page_order);
  }

  BitReader& in_;
  const ScheduleProblem& problem_;
};

}  // namespace

std::uint64_t graph_number(const ScheduleProblem& problem) {
  Hash hash;
  hash.add(problem.slots.size());
  for (const ProblemSlot& slot : problem.slots) {
    hash.add(slot.name);
    hash.add(slot.inputs);
    hash.add(slot.outputs);
    hash.add(slot.workspace.raw());
    hash.add(std::uint64_t{slot.recomputable});
    if (slot.changed_at) {
      hash.add(std::uint64_t{*slot.changed_at} + 1);
    }
  }
  hash.add(problem.tensors.size());
  for (const ProblemTensor& tensor : problem.tensors) {
    hash.add(tensor.name);
    hash.add(tensor.bytes.raw());
    hash.add(tensor.producer ? std::uint64_t{*tensor.producer} + 1 : 0);
    hash.add(tensor.uses);
    hash.add(std::uint64_t{tensor.updated});
  }
  return hash.value();
}

std::vector<std::uint8_t> write_schedule(const ScheduleProblem& problem, const ScheduleFile& file) {
  std::vector<std::uint8_t> bytes(kMagic.begin(), kMagic.end());
  bytes.push_back(ScheduleFile::kVersion);
  bytes.push_back(place_in(kPolicies, file.policy));
  bytes.push_back(static_cast<std::uint8_t>(place_in(kObjectives, file.objective) |
                                            place_in(kPageTo, file.page_to) << 4));
  append(bytes, graph_number(problem), 8);
  BitWriter body;
  body.number(file.budget ? file.budget->raw() + 1 : 0);
  write_recomputes(file.schedule, bits_for(problem.slots.size()), body);
  write_pages(file.schedule.pages, bits_for(problem.tensors.size()), body);
  const auto packed = body.take();
  bytes.insert(bytes.end(), packed.begin(), packed.end());
  append(bytes, check_sum(bytes.data(), bytes.size()), kSumBytes);
  return bytes;
}

ScheduleFile read_schedule_head(const std::vector<std::uint8_t>& bytes, const std::string& where) {
  const std::string again = "write it anew: etude-sim schedule CONFIG --out FILE";
  const std::size_t known = std::min(bytes.size(), kMagic.size());
  if (bytes.empty() || !std::equal(bytes.begin(), bytes.begin() + known, kMagic.begin())) {
    refuse(where, "is no schedule file", again);
  }
  if (bytes.size() <= kVersionAt) {
    refuse(where, "ends after " + std::to_string(bytes.size()) + " bytes", again);
  }
  if (bytes[kVersionAt] > ScheduleFile::kVersion) {
    refuse(where,
           "is of version " + std::to_string(bytes[kVersionAt]) + " or damaged, and this program " +
               "reads version " + std::to_string(ScheduleFile::kVersion),
           "take a newer program, or " + again);
  }
  if (bytes.size() <= kBodyAt + kSumBytes) {
    refuse(where, "ends after " + std::to_string(bytes.size()) + " bytes", again);
  }
  const std::size_t sum_at = bytes.size() - kSumBytes;
  ScheduleFile file;
  const unsigned policy = bytes[kPurposeAt];
  const unsigned objective = bytes[kPurposeAt + 1] & 15u, page_to = bytes[kPurposeAt + 1] >> 4;
  if (check_sum(bytes.data(), sum_at) != number_at(bytes, sum_at, kSumBytes) ||
      bytes[kVersionAt] != ScheduleFile::kVersion || policy >= kPolicies.size() ||
      objective >= kObjectives.size() || page_to >= kPageTo.size()) {
    refuse(where, "is damaged or cut off: its check sum is wrong", again);
  }
  file.policy = kPolicies[policy];
  file.objective = kObjectives[objective];
  file.page_to = kPageTo[page_to];
  BitReader body = body_of(bytes);
  file.budget = budget_in(body);
  file.graph = number_at(bytes, kGraphAt, 8);
  return file;
}

ScheduleFile read_schedule(const std::vector<std::uint8_t>& bytes, const ScheduleProblem& problem,
                           const std::string& where) {
  ScheduleFile file = read_schedule_head(bytes, where);
  if (file.graph != graph_number(problem)) {
    refuse(where, "is a schedule of another graph: its operators, tensors or sizes are others",
           "give the configuration that it was made for, or make one for this");
  }
  BitReader in = body_of(bytes);
  (void)budget_in(in);
  auto schedule = Body(in, problem).read();
  if (!schedule) {
    refuse(where, "says what this graph cannot do", "make a schedule for it");
  }
  file.schedule = std::move(*schedule);
  return file;
}

}  // namespace etude::compiler
