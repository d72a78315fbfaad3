// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <map>
#include <random>

#include "sim/engine/agenda.h"

using etude::Agenda;

TEST_CASE("agenda: harts come in their cycles, near and far", "[engine]") {
  Agenda agenda;
  agenda.add(0, 0);
  agenda.add(3, 5);
  agenda.add(16, 63);   // the last cycle of the wheel
  agenda.add(2, 64);    // the first behind it
  agenda.add(1, 1000);  // far
  CHECK(agenda.take(0) == 1u);
  CHECK(agenda.next() == 5);
  CHECK(agenda.take(5) == 1u << 3);
  CHECK(agenda.next() == 63);
  CHECK(agenda.take(63) == 1u << 16);
  CHECK(agenda.next() == 64);
  CHECK(agenda.take(64) == 1u << 2);
  CHECK(agenda.next() == 1000);
  agenda.move(1, 70);
  CHECK(agenda.next() == 70);
  CHECK(agenda.take(70) == 1u << 1);
  CHECK(agenda.next() == Agenda::kNone);
  agenda.add(4, Agenda::kNone);  // waits for somebody to move it
  CHECK(agenda.next() == Agenda::kNone);
  agenda.add(5, 70);  // in the cycle that was taken: taken with the next call
  CHECK(agenda.take(70) == 1u << 5);
}

TEST_CASE("agenda: the same as a sorted table", "[engine]") {
  std::mt19937 random(1);
  Agenda agenda;
  std::map<unsigned, std::uint64_t> table;  // hart -> cycle
  const auto some_cycle = [&](std::uint64_t now) {
    return now + 1 + (random() % 3 == 0 ? random() % 500 : random() % 4);
  };
  for (unsigned hart = 0; hart < 9; ++hart) {
    table[hart] = hart;
    agenda.add(hart, hart);
  }
  std::uint64_t now = 0;
  for (unsigned step = 0; step < 20'000; ++step) {
    std::uint32_t expected = 0;
    for (const auto& [hart, cycle] : table) {
      expected |= cycle == now ? 1u << hart : 0u;
    }
    REQUIRE(agenda.take(now) == expected);
    for (unsigned hart = 0; hart < 9; ++hart) {
      if ((expected >> hart & 1u) != 0) {
        table[hart] = some_cycle(now);
        agenda.add(hart, table[hart]);
      } else if (random() % 16 == 0) {
        table[hart] = some_cycle(now);
        agenda.move(hart, table[hart]);
      }
    }
    std::uint64_t next = Agenda::kNone;
    for (const auto& [hart, cycle] : table) {
      next = std::min(next, cycle);
    }
    REQUIRE(agenda.next() == next);
    now = next;
  }
}
