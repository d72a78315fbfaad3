// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <set>
#include <string>

#include "kernels/include/etude_kernels.h"

TEST_CASE("kernels are numbered from 0 without gaps, and each has a name of its own") {
  struct Row {
    etude_kernel kernel;
    const char* name;
  };
#define ETUDE_TEST_ROW(e, number, name, args) {ETUDE_KERNEL_##e, #name},
  const Row rows[] = {ETUDE_KERNEL_LIST(ETUDE_TEST_ROW)};
#undef ETUDE_TEST_ROW
  std::set<std::string> names;
  unsigned next = 0;
  for (const Row& row : rows) {
    CHECK(row.kernel == next++);
    CHECK(etude_kernel_name(row.kernel) == std::string(row.name));
    CHECK(names.insert(row.name).second);
  }
  CHECK(next == ETUDE_KERNELS);
  CHECK(etude_kernel_name(ETUDE_KERNELS) == std::string("unknown kernel"));
}

TEST_CASE("numbers of kernels are part of task lists and stay") {
  CHECK(ETUDE_KERNEL_GEMM == 0);
  CHECK(ETUDE_KERNEL_ADAM == 17);
  CHECK(ETUDE_KERNEL_DEPTHWISE == 39);
  CHECK(ETUDE_KERNEL_AFFINE_MASK == 53);
}
