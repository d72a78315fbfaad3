// SPDX-License-Identifier: Apache-2.0
#include "workloads/codecs/packed_tensor.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>

#include "models/base/error.h"

namespace etude {

TEST_CASE("plain integers come back and lie within half a step of the values", "[codecs]") {
  std::mt19937 random(7);
  for (const StoredNumber number :
       {StoredNumber::kInt8, StoredNumber::kInt4, StoredNumber::kInt3}) {
    for (int run = 0; run < 60; ++run) {
      const std::uint32_t rows = 1 + random() % 9;
      const std::uint32_t cols = 1 + random() % 70;
      const StoredForm form{number, StoredCode::kPlain, random() % 2 == 0};
      std::vector<float> values(rows * cols);
      for (float& value : values) {
        value = std::normal_distribution<float>(0, 0.3f)(random);
      }
      const Quantised quantised = quantise(values, rows, cols, form, "w");
      const PackedTensor packed = pack(quantised, rows, cols, form, "w");
      CHECK(packed.bytes.size() == rows * plain_pitch(number, cols));
      const std::vector<float> back = unpack(packed, "w");
      for (std::uint32_t i = 0; i < values.size(); ++i) {
        const float scale = quantised.scales[form.scale_per_row ? i / cols : i % cols];
        CHECK(back[i] == static_cast<float>(quantised.numbers[i]) * scale);
        CHECK(std::abs(back[i] - values[i]) <= 0.5001f * scale);
      }
      // What was decoded is stored without loss.
      CHECK(unpack(pack(quantise(back, rows, cols, form, "w"), rows, cols, form, "w"), "w") ==
            back);
    }
  }
}

TEST_CASE("what cannot be stored is refused", "[codecs]") {
  const StoredForm form{StoredNumber::kInt4, StoredCode::kPlain, false};
  const std::vector<float> infinite{1, std::numeric_limits<float>::infinity()};
  CHECK_THROWS_AS(quantise(infinite, 1, 2, form, "w"), UserError);
  CHECK_THROWS_AS(pack({{8, 0}, {1, 1}}, 1, 2, form, "w"), UserError);
  PackedTensor packed = pack({{7, -7}, {1, 1}}, 1, 2, form, "w");
  packed.bytes.pop_back();
  CHECK_THROWS_AS(unpack(packed, "w"), UserError);
}

}  // namespace etude
