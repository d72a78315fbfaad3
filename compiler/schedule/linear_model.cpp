// SPDX-License-Identifier: Apache-2.0
#include "compiler/schedule/linear_model.h"

#include <algorithm>

namespace etude::compiler {

void LinearSum::add(const LinearSum& other, double factor) {
  for (const auto& [column, coefficient] : other.terms) {
    terms.emplace_back(column, coefficient * factor);
  }
  constant += other.constant * factor;
}

Column LinearModel::binary(double cost) {
  const Column column = continuous(0, 1, cost);
  integer[column] = true;
  return column;
}

Column LinearModel::continuous(double lower, double upper, double cost) {
  costs.push_back(cost);
  lowers.push_back(lower);
  uppers.push_back(upper);
  integer.push_back(false);
  return static_cast<Column>(costs.size() - 1);
}

double LinearModel::least(const LinearSum& sum) const {
  double total = sum.constant;
  for (const auto& [column, value] : sum.terms) {
    total += value * (value > 0 ? lowers[column] : uppers[column]);
  }
  return total;
}

double LinearModel::most(const LinearSum& sum) const {
  double total = sum.constant;
  for (const auto& [column, value] : sum.terms) {
    total += value * (value > 0 ? uppers[column] : lowers[column]);
  }
  return total;
}

void LinearModel::row(const LinearSum& sum, double lower, double upper) {
  LinearSum whole = sum;
  std::ranges::sort(whole.terms);
  std::vector<std::pair<Column, double>> merged;
  for (const auto& [column, value] : whole.terms) {
    if (!merged.empty() && merged.back().first == column) {
      merged.back().second += value;
    } else {
      merged.emplace_back(column, value);
    }
  }
  std::erase_if(merged, [](const auto& term) { return term.second == 0; });
  whole.terms = std::move(merged);
  if (least(whole) >= lower && most(whole) <= upper) {
    return;
  }
  row_starts.push_back(static_cast<std::int32_t>(row_columns.size()));
  row_lowers.push_back(lower - whole.constant);
  row_uppers.push_back(upper - whole.constant);
  for (const auto& [column, value] : whole.terms) {
    row_columns.push_back(column);
    row_values.push_back(value);
  }
}

}  // namespace etude::compiler
