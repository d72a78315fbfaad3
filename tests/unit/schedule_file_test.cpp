// SPDX-License-Identifier: Apache-2.0
// Schedules as files: what is written is read again, and nothing else is.
#include "compiler/schedule/schedule_file.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <set>

#include "compiler/schedule/bit_stream.h"
#include "compiler/schedule/lifetimes.h"
#include "compiler/schedule/optimal.h"
#include "models/base/error.h"
#include "tests/support/random_problem.h"

namespace etude::compiler {
namespace {

using Bytes8 = std::vector<std::uint8_t>;
using Catch::Matchers::Contains;

/// Another way to the same sum: bits of the message from the highest power down.
std::uint32_t crc_by_division(const Bytes8& bytes, std::size_t count) {
  std::uint32_t rest = ~0u;
  for (std::size_t i = 0; i < count; ++i) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      const bool one = ((bytes[i] >> bit & 1) != 0) != ((rest >> 31) != 0);
      rest = (rest << 1) ^ (one ? 0x04C11DB7u : 0u);
    }
  }
  std::uint32_t reflected = 0;
  for (unsigned bit = 0; bit < 32; ++bit) {
    reflected |= (~rest >> (31 - bit) & 1u) << bit;
  }
  return reflected;
}

void put_sum(Bytes8& bytes) {
  const std::uint32_t sum = crc_by_division(bytes, bytes.size() - 4);
  for (unsigned i = 0; i < 4; ++i) {
    bytes[bytes.size() - 4 + i] = static_cast<std::uint8_t>(sum >> 8 * i);
  }
}

/// Any schedule that a file can hold, whether it works out or not.
EventSchedule drawn(const ScheduleProblem& problem, std::mt19937& random) {
  const auto below = [&](std::size_t n) { return static_cast<std::uint32_t>(random() % n); };
  const std::size_t slots = problem.slots.size();
  Decisions decisions;
  decisions.recomputes.resize(slots);
  for (unsigned i = below(6); i > 0; --i) {
    const SlotId before = below(slots);
    const SlotId again = below(before + 1);
    if (again < before && problem.slots[again].recomputable) {
      decisions.recomputes[before].push_back(again);
    }
  }
  for (unsigned i = below(8); i > 0; --i) {
    const SlotId first = below(slots), last = first + below(slots - first);
    decisions.pages.push_back(
        {below(problem.tensors.size()),
         below(2) == 0 ? TensorPage::Direction::kIn : TensorPage::Direction::kOut, first, last});
  }
  return with_lifetimes(problem, decisions);
}

void check_equal(const EventSchedule& a, const EventSchedule& b) {
  REQUIRE(a.slots.size() == b.slots.size());
  for (std::size_t t = 0; t < a.slots.size(); ++t) {
    REQUIRE(a.slots[t].size() == b.slots[t].size());
    for (std::size_t i = 0; i < a.slots[t].size(); ++i) {
      CHECK(a.slots[t][i].slot == b.slots[t][i].slot);
      CHECK(a.slots[t][i].frees == b.slots[t][i].frees);
    }
  }
  REQUIRE(a.pages.size() == b.pages.size());
  for (std::size_t i = 0; i < a.pages.size(); ++i) {
    const TensorPage &p = a.pages[i], &q = b.pages[i];
    CHECK((p.tensor == q.tensor && p.direction == q.direction && p.first == q.first &&
           p.last == q.last));
  }
}

bool refused(const Bytes8& bytes, const ScheduleProblem& problem) {
  try {
    (void)read_schedule(bytes, problem, "file");
    return false;
  } catch (const UserError& error) {
    CHECK(std::string(error.what()).find('\n') == std::string::npos);
    return true;
  }
}

ScheduleFile file_of(const EventSchedule& schedule, std::uint32_t seed) {
  using C = ScheduleConfig;
  ScheduleFile file;
  file.policy = static_cast<C::Policy>(seed % 8);
  file.objective = static_cast<C::Objective>(seed / 8 % 4);
  file.page_to = static_cast<C::PageTo>(seed / 32 % 2);
  if (seed % 3 != 0) {
    file.budget = Bytes{seed * 977};
  }
  file.schedule = schedule;
  return file;
}

TEST_CASE("numbers and bits come back in their order", "[schedule_file]") {
  std::mt19937_64 random(5);
  for (unsigned round = 0; round < 50; ++round) {
    std::vector<std::pair<std::uint64_t, unsigned>> given;  // 64 bits: a number
    BitWriter out;
    for (unsigned i = 0; i < 100; ++i) {
      const auto count = static_cast<unsigned>(random() % 33);
      const std::uint64_t value = random() >> (1 + random() % 63);
      given.emplace_back(count < 16 ? value : value & ((std::uint64_t{1} << count) - 1),
                         count < 16 ? 64 : count);
      count < 16 ? out.number(value) : out.bits(given.back().first, count);
    }
    const auto bytes = out.take();
    BitReader in(bytes.data(), bytes.size());
    for (const auto& [value, count] : given) {
      REQUIRE((count == 64 ? in.number() : in.bits(count)) == value);
    }
    CHECK(in.at_end());
    (void)in.bits(1);
    CHECK_FALSE(in.ok());
  }
}

TEST_CASE("a schedule is read as it was written, and written the same again", "[schedule_file]") {
  std::mt19937 random(11);
  for (std::uint32_t seed = 0; seed < 300; ++seed) {
    const ScheduleProblem problem = random_schedule_problem(seed);
    const ScheduleFile file = file_of(drawn(problem, random), seed);
    const Bytes8 bytes = write_schedule(problem, file);
    CAPTURE(seed);
    const ScheduleFile read = read_schedule(bytes, problem, "file");
    check_equal(read.schedule, file.schedule);
    CHECK(read.policy == file.policy);
    CHECK(read.objective == file.objective);
    CHECK(read.page_to == file.page_to);
    CHECK(read.budget == file.budget);
    CHECK(read_schedule_head(bytes, "file").budget == file.budget);
    CHECK(write_schedule(problem, read) == bytes);
    Bytes8 summed = bytes;
    put_sum(summed);
    CHECK(summed == bytes);
  }
}

TEST_CASE("what a policy found takes no more when it comes from a file", "[schedule_file]") {
  for (std::uint32_t seed = 0; seed < 60; ++seed) {
    const ScheduleProblem problem = random_schedule_problem(seed);
    ScheduleRequest request;
    request.rules = CandidateRules::usual(problem);
    request.threads = 1;
    request.limits.budget = problem.peak_keep() * 3 / 4;
    const ScheduleAnswer answer = solve_optimal(problem, request);
    if (!answer.found()) {
      continue;
    }
    CAPTURE(seed);
    const auto bytes = write_schedule(problem, file_of(answer.schedule, seed));
    const Replay again = replay(problem, read_schedule(bytes, problem, "file").schedule);
    REQUIRE(again.ok);
    CHECK(again.peak <= answer.replay.peak);
    CHECK(again.energy_j == Approx(answer.replay.energy_j));
    CHECK(again.time_s == Approx(answer.replay.time_s));
    CHECK(again.recomputed == answer.replay.recomputed);
    CHECK(again.paged == answer.replay.paged);
  }
}

TEST_CASE("a schedule that is cut off, damaged or of noise is refused", "[schedule_file]") {
  std::mt19937 random(23);
  for (std::uint32_t seed = 0; seed < 25; ++seed) {
    const ScheduleProblem problem = random_schedule_problem(seed);
    const Bytes8 bytes = write_schedule(problem, file_of(drawn(problem, random), seed));
    CAPTURE(seed);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      CHECK(refused({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)}, problem));
    }
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      Bytes8 flipped = bytes;
      flipped[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
      CHECK(refused(flipped, problem));
    }
    Bytes8 longer = bytes;
    longer.push_back(0);
    CHECK(refused(longer, problem));
    Bytes8 noise(random() % 200);
    std::ranges::generate(noise, [&] { return static_cast<std::uint8_t>(random()); });
    CHECK(refused(noise, problem));
  }
}

TEST_CASE("a body with a right sum is refused, or says what the graph can do", "[schedule_file]") {
  std::mt19937 random(31);
  unsigned read = 0;
  for (std::uint32_t round = 0; round < 4000; ++round) {
    const ScheduleProblem problem = random_schedule_problem(round % 50);
    Bytes8 bytes = write_schedule(problem, file_of(drawn(problem, random), round));
    constexpr std::size_t kBody = 15;  // behind magic word, version, purpose and graph
    if (round % 2 == 0) {
      bytes.resize(kBody + 1 + random() % 30);
      std::generate(bytes.begin() + kBody, bytes.end(),
                    [&] { return static_cast<std::uint8_t>(random()); });
      bytes.resize(bytes.size() + 4);
    } else {
      const std::size_t bits = (bytes.size() - 4 - kBody) * 8, bit = random() % bits;
      bytes[kBody + bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    }
    put_sum(bytes);
    if (refused(bytes, problem)) {
      continue;
    }
    ++read;
    const ScheduleFile file = read_schedule(bytes, problem, "file");
    (void)replay(problem, file.schedule);  // whether it works out or not
    CHECK(write_schedule(problem, file).size() <= bytes.size());
  }
  CHECK(read > 100);
}

TEST_CASE("costs are no part of a graph; names, sizes and who reads what are", "[schedule_file]") {
  ScheduleProblem problem = random_schedule_problem(7);
  const std::uint64_t number = graph_number(problem);
  const auto after = [&](const auto& change) {
    ScheduleProblem other = problem;
    change(other);
    return graph_number(other);
  };
  using P = ScheduleProblem;
  CHECK(after([](P& p) { p.slots[1].seconds *= 2; }) == number);
  CHECK(after([](P& p) { p.slots[1].joules *= 2; }) == number);
  CHECK(after([](P& p) { p.tensors[0].page_in.joules += 1; }) == number);
  CHECK(after([](P& p) { p.static_w += 1; }) == number);
  std::set<std::uint64_t> numbers{number};
  numbers.insert(after([](P& p) { p.slots[1].name += "x"; }));
  numbers.insert(after([](P& p) { p.slots[1].workspace += Bytes{8}; }));
  numbers.insert(after([](P& p) { p.slots[1].recomputable = !p.slots[1].recomputable; }));
  numbers.insert(after([](P& p) { p.tensors[0].bytes += Bytes{8}; }));
  numbers.insert(after([](P& p) { p.tensors[0].updated = !p.tensors[0].updated; }));
  numbers.insert(after([](P& p) { p.tensors[0].uses.pop_back(); }));
  numbers.insert(after([](P& p) { p.slots.pop_back(); }));
  CHECK(numbers.size() == 8);
  const auto bytes = write_schedule(problem, file_of(with_lifetimes(problem, {}), 1));
  problem.tensors[0].bytes += Bytes{8};
  CHECK_THROWS_WITH(read_schedule(bytes, problem, "file"), Contains("another graph"));
}

TEST_CASE("a newer version is called so", "[schedule_file]") {
  const ScheduleProblem problem = random_schedule_problem(3);
  Bytes8 bytes = write_schedule(problem, file_of(with_lifetimes(problem, {}), 1));
  bytes[4] = ScheduleFile::kVersion + 1;
  put_sum(bytes);
  CHECK_THROWS_WITH(read_schedule(bytes, problem, "file"), Contains("version 2"));
  CHECK_THROWS_WITH(read_schedule({'P', 'K'}, problem, "file"), Contains("no schedule file"));
  CHECK_THROWS_WITH(read_schedule({'E', 'S', 'C', 'H', 1}, problem, "file"),
                    Contains("ends after 5"));
}

}  // namespace
}  // namespace etude::compiler
