// SPDX-License-Identifier: Apache-2.0
// What stood in L2 when, of a program that was written by hand.
#include "run/execute/l2_stays.h"

#include <catch2/catch.hpp>

#include "models/base/pulp_map_regs.h"

namespace etude::run {
namespace {
using Json = nlohmann::ordered_json;
constexpr Address kL2{ETUDE_L2_BASE};

Operation touching(std::uint32_t layer, std::vector<Access> accesses, bool page = false) {
  Operation operation;
  operation.layer = layer;
  operation.accesses = std::move(accesses);
  if (page) {
    operation.what = PageTransfer{};
  } else {
    operation.what = Transfer{};
  }
  return operation;
}

Access l2(ObjectId object, bool write) {
  const std::uint32_t offset = object == 0 ? 1000 : 1064, bytes = object == 0 ? 64 : 32;
  return {write, Access::Space::kL2, object, (kL2 + Bytes{offset}).raw(), 1, bytes, bytes};
}

/// A weight comes, is read and written, and goes; a result is made again and read; the loss stays.
Program small_program() {
  Program program;
  program.layers = {{"fc", "Gemm", "forward", "redmule", 0},
                    {"again", "Gemm", "recompute", "redmule", 0},
                    {"page w", "Page", "page", "dma", 0}};
  program.stored = {{"w", "parameter", Bytes{64}, false, false, kL2 + Bytes{1000}},
                    {"y", "activation", Bytes{32}, false, false, kL2 + Bytes{1064}},
                    {"loss", "loss", Bytes{8}, false, true, kL2 + Bytes{1096}},
                    {"w", "parameter", Bytes{64}, true, true, Address{ETUDE_HYPERRAM_BASE}}};
  program.tasks.operations = {touching(2, {l2(0, true)}, true), touching(0, {l2(0, false)}),
                              touching(1, {l2(1, true)}), touching(0, {l2(1, false), l2(0, true)}),
                              touching(2, {l2(0, false)}, true)};
  program.budget = Bytes{200};
  return program;
}

StepRecord passes(unsigned count) {
  StepRecord step;
  step.cycles = Cycle{count * 50};
  for (unsigned pass = 0; pass < count; ++pass) {
    for (std::uint32_t op = 0; op < 5; ++op) {
      const Cycle begin{pass * 50 + op * 10};
      step.segments.push_back({op, begin, begin + Cycle{10}});
    }
  }
  return step;
}

TEST_CASE("stays of tensors in L2", "[report]") {
  const Json found = l2_stays(small_program(), passes(1));
  CHECK(found["begin"] == 0);
  CHECK(found["budget"] == 200);
  REQUIRE(found["stays"].size() == 3);  // not what stands in HyperRAM
  CHECK(found["stays"][0] == Json{{"name", "w"},
                                  {"kind", "parameter"},
                                  {"bytes", 64},
                                  {"offset", 1000},
                                  {"from", 0},
                                  {"to", 50},
                                  {"how", "paged in"},
                                  {"ready", 10},
                                  {"first_layer", 0},
                                  {"last_layer", 0},
                                  {"leaves", 40}});
  CHECK(found["stays"][1]["name"] == "loss");
  CHECK(found["stays"][1]["how"] == "home");
  CHECK(found["stays"][1]["to"] == 50);
  CHECK(found["stays"][2]["name"] == "y");
  CHECK(found["stays"][2]["how"] == "recomputed");
  CHECK(found["stays"][2]["from"] == 20);
  CHECK(found["stays"][2]["to"] == 40);
  CHECK(found["stays"][2]["first_layer"] == 1);
  CHECK(found["stays"][2]["last_layer"] == 0);
}

TEST_CASE("bytes by kind over time", "[report]") {
  // Five operations of ten cycles: the weight comes, and goes in the last one.
  const Json use = l2_stays(small_program(), passes(1))["use"];
  const auto at = [&](const char* kind, int operation) {
    return use[kind][operation * 100 + 50].get<int>();
  };
  const int parameter[] = {0, 64, 64, 64, 0}, transfer[] = {64, 0, 0, 0, 64};
  const int activation[] = {0, 0, 32, 32, 0};
  for (int i = 0; i < 5; ++i) {
    CHECK(at("parameter", i) == parameter[i]);
    CHECK(at("transfer", i) == transfer[i]);
    CHECK(at("activation", i) == activation[i]);
    CHECK(at("loss", i) == 8);
  }
}

TEST_CASE("each word stands from its own first touch to its own last one", "[report]") {
  Program program = small_program();
  Access half = l2(0, false);
  half.row_bytes = 32;
  program.tasks.operations[4] = touching(0, {half});  // the other half is over an operation before
  const Json use = l2_stays(program, passes(1))["use"];
  CHECK(use["parameter"][350] == 64);
  CHECK(use["parameter"][450] == 32);
}

TEST_CASE("of several passes the last one is told", "[report]") {
  const Json found = l2_stays(small_program(), passes(3));
  CHECK(found["begin"] == 100);
  CHECK(found["stays"][0]["from"] == 100);
  CHECK(found["stays"][1]["to"] == 150);
  CHECK(found["stays"][2]["from"] == 120);
}

TEST_CASE("a step without segments has nothing to tell", "[report]") {
  Program program;
  CHECK(l2_stays(program, StepRecord{})["stays"].empty());
}

}  // namespace
}  // namespace etude::run
