// SPDX-License-Identifier: Apache-2.0
#include "run/plan/lone_operation.h"

#include <catch2/catch.hpp>

#include "kernels/include/etude_kernels.h"
#include "models/base/error.h"
#include "models/base/pulp_map_regs.h"

namespace etude::run {
namespace {

Access l1(std::uint32_t address, std::uint32_t bytes, bool write = false) {
  Access access;
  access.write = write;
  access.address = address;
  access.row_bytes = access.pitch = bytes;
  return access;
}

/// A kernel from `x` to `y`, 64 elements.
Operation unary(std::uint32_t x, std::uint32_t y, std::uint32_t cols = 64) {
  KernelCall call;
  call.kernel = ETUDE_KERNEL_RELU;
  call.args = {x, y, 1, cols, cols, cols};
  Operation operation;
  operation.what = call;
  operation.accesses = {l1(x, 4 * cols), l1(y, 4 * cols, true)};
  return operation;
}

Operation transfer(Address l1, Address l2, std::uint32_t pitch) {
  Transfer move;
  move.l1 = l1;
  move.l2 = l2;
  move.row_bytes = move.l1_pitch = 256;
  move.rows = 4;
  move.l2_pitch = pitch;
  Operation operation;
  operation.what = move;
  return operation;
}

TEST_CASE("an operation by itself is the same wherever its operands stand", "[model]") {
  const std::uint32_t base = ETUDE_L1_BASE;
  const LoneOperation one = lone_operation(unary(base + 0x4000, base + 0x9000));
  const LoneOperation other = lone_operation(unary(base + 0x20000, base + 0x6000));
  CHECK(one.key == other.key);
  CHECK(one.operation.as<KernelCall>()->args == other.operation.as<KernelCall>()->args);
  CHECK(one.l1 == Bytes{512});
  CHECK(one.of == LoneClass::kCluster);
}

TEST_CASE("shape, and what operands share, make another operation", "[model]") {
  const std::uint32_t x = ETUDE_L1_BASE + 0x4000, y = ETUDE_L1_BASE + 0x9000;
  const std::string key = lone_operation(unary(x, y)).key;
  CHECK(lone_operation(unary(x, y, 65)).key != key);
  CHECK(lone_operation(unary(x, x)).key != key);      // in place
  CHECK(lone_operation(unary(x, x + 4)).key != key);  // beside itself
  CHECK(lone_operation(unary(x + 4, y)).key != key);  // off a bank's border
}

TEST_CASE("of a transfer count shape, direction, gaps and offsets", "[model]") {
  const Address l1{ETUDE_L1_BASE + 0x4000}, l2{ETUDE_L2_BASE + 0x10000};
  const std::string key = lone_operation(transfer(l1, l2, 512)).key;
  CHECK(lone_operation(transfer(l1 + Bytes{64}, l2 + Bytes{800}, 4096)).key == key);
  CHECK(lone_operation(transfer(l1, l2, 256)).key != key);
  CHECK(lone_operation(transfer(l1, l2 + Bytes{4}, 512)).key != key);
}

TEST_CASE("flash is not measured operation by operation", "[model]") {
  Operation operation;
  operation.what = PageTransfer{Address{ETUDE_L2_BASE}, Address{ETUDE_FLASH_BASE}, 4096};
  CHECK_THROWS_AS(lone_operation(operation), UserError);
  operation.what = FlashErase{Address{ETUDE_FLASH_BASE}, 4096};
  CHECK_THROWS_AS(lone_operation(operation), UserError);
}

TEST_CASE("operations are measured on hardware without what does not count", "[model]") {
  PlatformConfig platform;
  platform.cluster.tcdm.size = Bytes{64 << 10};
  platform.cluster.clock_hz = 1e8;
  CHECK_FALSE(lone_platform(platform, LoneClass::kCluster).cluster.redmule.enabled);
  CHECK(lone_platform(platform, LoneClass::kJob).cluster.redmule.enabled);
  CHECK(lone_platform(platform, LoneClass::kPage).cluster.clock_hz == 1e8);
  CHECK(lone_platform(platform, LoneClass::kJob).cluster.clock_hz != 1e8);
  platform.cluster.tcdm.size = Bytes{128 << 10};
  CHECK(lone_platform(platform, LoneClass::kJob).cluster.tcdm.size == Bytes{1 << 20});
}

}  // namespace
}  // namespace etude::run
