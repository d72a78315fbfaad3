// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace etude::test {

/// What a comparison found, point by point, for scripts/validate.sh: written to `name`.csv in the
/// folder that the environment variable ETUDE_VALIDATION_DIR names; without it nothing is kept.
class ValidationPoints {
 public:
  /// `keys` names the columns that say where a point was taken.
  ValidationPoints(std::string name, const std::vector<std::string>& keys);
  ~ValidationPoints();
  ValidationPoints(const ValidationPoints&) = delete;
  ValidationPoints& operator=(const ValidationPoints&) = delete;

  /// One point in table row `group`; one that is not `counted` stays out of the block's totals.
  void add(const std::vector<std::string>& keys, const std::string& group, double rtl, double model,
           bool counted = true);

 private:
  std::string path_;
  std::string text_;
};

}  // namespace etude::test
