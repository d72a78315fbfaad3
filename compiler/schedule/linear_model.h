// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

namespace etude::compiler {

/// A column of a LinearModel.
using Column = std::int32_t;

/// A sum of columns with coefficients, and a constant.
struct LinearSum {
  std::vector<std::pair<Column, double>> terms;
  double constant = 0;

  void add(Column column, double coefficient) { terms.emplace_back(column, coefficient); }
  void add(const LinearSum& other, double factor);
};

/// A mixed-integer linear program, to be minimised.
class LinearModel {
 public:
  static constexpr double kEndless = std::numeric_limits<double>::infinity();

  /// A column that is 0 or 1.
  Column binary(double cost = 0);
  Column continuous(double lower, double upper, double cost = 0);
  void add_cost(Column column, double cost) { costs[column] += cost; }
  void fix(Column column, double value) { lowers[column] = uppers[column] = value; }
  /// lower <= sum <= upper. Terms of one column are added up; a row that no values of its columns
  /// can break is left out.
  void row(const LinearSum& sum, double lower, double upper);
  /// Smallest and largest value of a sum within the bounds of its columns.
  double least(const LinearSum& sum) const;
  double most(const LinearSum& sum) const;

  std::size_t columns() const { return costs.size(); }
  std::size_t rows() const { return row_lowers.size(); }

  double offset = 0;  ///< of the costs' sum
  std::vector<double> costs, lowers, uppers;
  std::vector<bool> integer;
  std::vector<double> row_lowers, row_uppers;
  std::vector<std::int32_t> row_starts, row_columns;  ///< rows one behind the other
  std::vector<double> row_values;
};

}  // namespace etude::compiler
