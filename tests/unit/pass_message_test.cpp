// SPDX-License-Identifier: Apache-2.0
// A pass goes to another process and back unchanged; damaged messages are refused; long work ends
// where it is asked to.
#include "run/plan/pass_message.h"

#include <catch2/catch.hpp>

#include "models/base/error.h"
#include "models/base/interrupt.h"
#include "sim/config/load.h"

namespace etude::run {
namespace {

PassMessage example() {
  PassMessage message;
  message.platform.cluster.cores = 3;
  message.platform.cluster.clock_hz = 123456789.125;
  message.task_list = Address{0x1c010000};
  message.op_layer = {0, 7, 7};
  message.op_unit = {0, 255, 2};
  message.transfers = {{2, 0x10000040, 0x123456789}};
  message.images = {{Address{0x1c008000}, {1, 0, 255, '\n'}}, {Address{0x80000000}, {}}};
  return message;
}

TEST_CASE("a message comes back as it was") {
  const PassMessage sent = example();
  const PassMessage got = pass_message(to_bytes(sent));
  CHECK(resolved_platform(got.platform) == resolved_platform(sent.platform));
  CHECK(got.platform.cluster.clock_hz == 123456789.125);
  CHECK(got.task_list == sent.task_list);
  CHECK(got.op_layer == sent.op_layer);
  CHECK(got.op_unit == sent.op_unit);
  REQUIRE(got.transfers.size() == 1);
  CHECK(got.transfers[0].operation == 2);
  CHECK(got.transfers[0].l1 == 0x10000040);
  CHECK(got.transfers[0].bytes == 0x123456789);
  REQUIRE(got.images.size() == 2);
  CHECK(got.images[0].base == sent.images[0].base);
  CHECK(got.images[0].bytes == sent.images[0].bytes);
  CHECK(got.images[1].bytes.empty());
}

TEST_CASE("bytes that are no message are refused") {
  const std::string whole = to_bytes(example());
  CHECK_THROWS_AS(pass_message(""), UserError);
  CHECK_THROWS_AS(pass_message("{}\n"), UserError);
  CHECK_THROWS_AS(pass_message(whole.substr(0, whole.size() - 1)), UserError);
  CHECK_THROWS_AS(pass_message(whole + "x"), UserError);
  CHECK_THROWS_AS(pass_message(whole.substr(whole.find('\n'))), UserError);
}

TEST_CASE("an account comes back as it was, or says why there is none") {
  const Activity activity{Cycle{42}, {{"dma.busy", 7}}, {{"load_use", 5}}};
  MeasuredPass sent;
  sent.activity = activity;
  sent.spans = {{Cycle{3}, Cycle{9}, Cycle{2}}, {Cycle{}, Cycle{40}, Cycle{30}}};
  const MeasuredPass got = read_account(account_text(sent));
  CHECK(got.activity.cycles == activity.cycles);
  CHECK(got.activity.counters == activity.counters);
  CHECK(got.activity.core_stalls == activity.core_stalls);
  REQUIRE(got.spans.size() == 2);
  CHECK(got.spans[0].begin == Cycle{3});
  CHECK(got.spans[0].end == Cycle{9});
  CHECK(got.spans[0].taken_up == Cycle{2});
  CHECK(got.spans[1].end == Cycle{40});
  CHECK(got.spans[1].taken_up == Cycle{30});
  CHECK_THROWS_WITH(read_account(R"({"error": "no kernel"})"), Catch::Contains("no kernel"));
  CHECK_THROWS_WITH(read_account("[1"), Catch::Contains("ended too early"));
  CHECK_THROWS_WITH(read_account("[]"), Catch::Contains("ended too early"));
}

TEST_CASE("work ends where it is asked to, and only in the thread that wants it") {
  CHECK_NOTHROW(interrupt_point());
  int asked = 0;
  {
    const InterruptSource source([&asked] { return ++asked == 2; });
    CHECK_NOTHROW(interrupt_point());
    CHECK_THROWS_AS(interrupt_point(), Interrupted);
    CHECK_THROWS_AS(interrupt_point(), Interrupted);  // and is not asked again
    CHECK(asked == 2);
    const InterruptSource inner([] { return false; });
    CHECK_NOTHROW(interrupt_point());
  }
  CHECK(InterruptSource::current() == nullptr);
}

}  // namespace
}  // namespace etude::run
