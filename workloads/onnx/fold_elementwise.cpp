// SPDX-License-Identifier: Apache-2.0
// Arithmetic, comparisons and choices on constants: integers wrap and their division truncates,
// FLOAT is computed in float32.
#include <algorithm>
#include <cmath>
#include <map>

#include "workloads/onnx/folding.h"
#include "workloads/ops/broadcast.h"
#include "workloads/ops/exact_math.h"

namespace etude::onnxio {

namespace {

using Results = std::vector<RawTensor>;

/// Arithmetic on 64 bits that wraps.
std::int64_t wrapped(std::uint64_t value) { return static_cast<std::int64_t>(value); }
std::uint64_t bits(std::int64_t value) { return static_cast<std::uint64_t>(value); }

std::int64_t narrowed(std::int64_t value, int type) {
  return type == kInt32Type ? static_cast<std::int32_t>(bits(value)) : value;
}

/// A result in its type: float32 of FLOAT; of DOUBLE what a float32 holds. Throws Refusal.
float real_result(double value, int type) {
  const auto narrow = static_cast<float>(value);
  if (type == kDoubleType && double{narrow} != value && value == value) {
    throw Refusal{"its result is a DOUBLE that no FLOAT holds", "export the model in float32"};
  }
  return narrow;
}

Shape broadcast_all(const FoldNode& n) {
  Shape shape = n.input(0).shape;
  for (std::size_t i = 1; i < n.inputs.size(); ++i) {
    const auto both = ops::broadcast(shape, n.input(i).shape);
    if (!both) {
      throw Refusal{
          "its inputs have the shapes " + to_string(shape) + " and " + to_string(n.input(i).shape),
          "extents are equal or 1"};
    }
    shape = *both;
  }
  return shape;
}

Integers extents(const Shape& shape) { return {shape.begin(), shape.end()}; }

/// An input read as if it had the result's shape.
class Broadcasted {
 public:
  Broadcasted(const RawTensor& tensor, const Shape& to)
      : tensor_(tensor), offsets_(ops::broadcast_offsets(tensor.shape, to)) {}
  double real(std::size_t i) const { return tensor_.reals[offsets_[i]]; }
  std::int64_t integer(std::size_t i) const { return tensor_.values[offsets_[i]]; }

 private:
  const RawTensor& tensor_;
  std::vector<std::uint64_t> offsets_;
};

void expect_same_type(const FoldNode& n, std::size_t first) {
  for (std::size_t i = first + 1; i < n.inputs.size(); ++i) {
    if (n.input(i).type != n.input(first).type) {
      throw Refusal{"its inputs have the types " + element_type_name(n.input(first).type) +
                        " and " + element_type_name(n.input(i).type),
                    "both have one type"};
    }
  }
}

void expect_type(const FoldNode& n, std::size_t i, bool fits) {
  if (!fits) {
    throw Refusal{
        "its input '" + n.node.inputs[i] + "' has the type " + element_type_name(n.input(i).type),
        "another type is wanted"};
  }
}

/// Sums, products and so on of any number of inputs, from the left. `real` computes in double and
/// is rounded to float32, which is float32's own result for + - * / and min and max.
template <typename Real, typename Integer>
Results arithmetic(const FoldNode& n, Real real, Integer integer) {
  expect_same_type(n, 0);
  const int type = n.input(0).type;
  expect_type(n, 0, type != kBoolType);
  const Shape shape = broadcast_all(n);
  RawTensor made = folded_tensor(extents(shape), type);
  for (std::size_t k = 0; k < n.inputs.size(); ++k) {
    const Broadcasted given(n.input(k), shape);
    for (std::size_t i = 0; i < made.reals.size(); ++i) {
      const double b = given.real(i);
      made.reals[i] = real_result(k == 0 ? b : real(double{made.reals[i]}, b), type);
    }
    for (std::size_t i = 0; i < made.values.size(); ++i) {
      const std::int64_t b = given.integer(i);
      made.values[i] = narrowed(k == 0 ? b : integer(made.values[i], b), type);
    }
  }
  return {made};
}

Results add(const FoldNode& n) {
  return arithmetic(
      n, [](double a, double b) { return a + b; },
      [](std::int64_t a, std::int64_t b) { return wrapped(bits(a) + bits(b)); });
}

Results sub(const FoldNode& n) {
  return arithmetic(
      n, [](double a, double b) { return a - b; },
      [](std::int64_t a, std::int64_t b) { return wrapped(bits(a) - bits(b)); });
}

Results mul(const FoldNode& n) {
  return arithmetic(
      n, [](double a, double b) { return a * b; },
      [](std::int64_t a, std::int64_t b) { return wrapped(bits(a) * bits(b)); });
}

std::int64_t quotient(std::int64_t a, std::int64_t b) {
  if (b == 0) {
    throw Refusal{"divides integers by 0", "divisors are not 0"};
  }
  return b == -1 ? wrapped(0 - bits(a)) : a / b;
}

Results div(const FoldNode& n) {
  return arithmetic(n, [](double a, double b) { return a / b; }, quotient);
}

Results least(const FoldNode& n) {
  return arithmetic(
      n, [](double a, double b) { return a != a || a < b ? a : b; },
      [](std::int64_t a, std::int64_t b) { return std::min(a, b); });
}

Results most(const FoldNode& n) {
  return arithmetic(
      n, [](double a, double b) { return a != a || a > b ? a : b; },
      [](std::int64_t a, std::int64_t b) { return std::max(a, b); });
}

/// Of integers with the divisor's sign, with fmod 1 with the dividend's.
Results mod(const FoldNode& n) {
  const bool fmod = n.node.integer("fmod", 0) != 0;
  if (!fmod && !n.input(0).integers) {
    throw Refusal{"divides floats without fmod", "give fmod 1"};
  }
  return arithmetic(
      n, [](double a, double b) { return std::fmod(a, b); },
      [&](std::int64_t a, std::int64_t b) {
        const std::int64_t rest = wrapped(bits(a) - bits(quotient(a, b)) * bits(b));
        return !fmod && rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
      });
}

/// x^y to double's precision, by operations that every machine rounds alike.
double power(double x, double y) {
  if (y == 0.5 || y == -0.5) {
    return y > 0 ? std::sqrt(x) : 1 / std::sqrt(x);
  }
  if (y == std::floor(y) && std::fabs(y) <= 64) {
    double product = 1;
    for (int i = 0; i < static_cast<int>(std::fabs(y)); ++i) {
      product *= x;
    }
    return y < 0 ? 1 / product : product;
  }
  if (x > 0 && std::isfinite(x) && std::isfinite(y)) {
    return ops::exact_exp(y * ops::exact_log(x));
  }
  throw Refusal{"is a power that is not computed here", "give it as a number"};
}

std::int64_t whole_power(std::int64_t x, std::int64_t y) {
  if (y < 0) {
    throw Refusal{"is an integer to a negative power", "exponents of integers are not negative"};
  }
  std::uint64_t result = 1;
  for (std::uint64_t square = bits(x); y > 0; y >>= 1, square *= square) {
    result *= (y & 1) != 0 ? square : 1;
  }
  return wrapped(result);
}

/// The result has the base's type, whatever the exponent's is.
Results pow(const FoldNode& n) {
  const RawTensor& base = n.input(0);
  const RawTensor& exponent = n.input(1);
  expect_type(n, 0, base.type != kBoolType);
  expect_type(n, 1, exponent.type != kBoolType && (exponent.integers || !base.integers));
  const Shape shape = broadcast_all(n);
  RawTensor made = folded_tensor(extents(shape), base.type);
  const Broadcasted x(base, shape);
  const Broadcasted y(exponent, shape);
  for (std::size_t i = 0; i < made.reals.size(); ++i) {
    const double by = exponent.integers ? static_cast<double>(y.integer(i)) : y.real(i);
    made.reals[i] = real_result(power(x.real(i), by), base.type);
  }
  for (std::size_t i = 0; i < made.values.size(); ++i) {
    made.values[i] = narrowed(whole_power(x.integer(i), y.integer(i)), base.type);
  }
  return {made};
}

template <typename Real, typename Integer>
Results each(const FoldNode& n, Real real, Integer integer) {
  const RawTensor& x = n.input(0);
  expect_type(n, 0, x.type != kBoolType);
  RawTensor made = folded_tensor(extents_of(x), x.type);
  for (std::size_t i = 0; i < made.reals.size(); ++i) {
    made.reals[i] = real_result(real(double{x.reals[i]}), x.type);
  }
  for (std::size_t i = 0; i < made.values.size(); ++i) {
    made.values[i] = narrowed(integer(x.values[i]), x.type);
  }
  return {made};
}

template <typename Real>
Results each_real(const FoldNode& n, Real real) {
  expect_type(n, 0, !n.input(0).integers);
  return each(n, real, [](std::int64_t) { return std::int64_t{0}; });
}

Results negate(const FoldNode& n) {
  return each(n, [](double x) { return -x; }, [](std::int64_t x) { return wrapped(0 - bits(x)); });
}

Results absolute(const FoldNode& n) {
  return each(
      n, [](double x) { return std::fabs(x); },
      [](std::int64_t x) { return x < 0 ? wrapped(0 - bits(x)) : x; });
}

Results sign(const FoldNode& n) {
  return each(
      n, [](double x) { return x > 0   ? 1.0
                               : x < 0 ? -1.0
                                       : x; },
      [](std::int64_t x) { return std::int64_t{x > 0} - std::int64_t{x < 0}; });
}

/// In double and then rounded, which for a root and a quotient is float32's own result.
Results root(const FoldNode& n) {
  return each_real(n, [](double x) { return std::sqrt(x); });
}
Results reciprocal(const FoldNode& n) {
  return each_real(n, [](double x) { return 1 / x; });
}
Results floor(const FoldNode& n) {
  return each_real(n, [](double x) { return std::floor(x); });
}
Results ceil(const FoldNode& n) {
  return each_real(n, [](double x) { return std::ceil(x); });
}
/// Halves go to the even neighbour.
Results round(const FoldNode& n) {
  return each_real(n, [](double x) { return std::nearbyint(x); });
}
Results exp(const FoldNode& n) {
  return each_real(n, [](double x) { return ops::exact_exp(x); });
}
Results erf(const FoldNode& n) {
  return each_real(n, [](double x) { return ops::exact_erf(x); });
}
Results log(const FoldNode& n) {
  return each_real(n, [](double x) {
    if (!(x > 0) || !std::isfinite(x)) {
      throw Refusal{"is the logarithm of a number that has none", "give positive numbers"};
    }
    return ops::exact_log(x);
  });
}

template <typename Compare>
Results compare(const FoldNode& n, Compare holds) {
  expect_same_type(n, 0);
  const Shape shape = broadcast_all(n);
  RawTensor made = folded_tensor(extents(shape), kBoolType);
  const Broadcasted a(n.input(0), shape);
  const Broadcasted b(n.input(1), shape);
  for (std::size_t i = 0; i < made.values.size(); ++i) {
    made.values[i] =
        n.input(0).integers ? holds(a.integer(i), b.integer(i)) : holds(a.real(i), b.real(i));
  }
  return {made};
}

Results equal(const FoldNode& n) {
  return compare(n, [](auto a, auto b) { return a == b; });
}
Results less(const FoldNode& n) {
  return compare(n, [](auto a, auto b) { return a < b; });
}
Results less_or_equal(const FoldNode& n) {
  return compare(n, [](auto a, auto b) { return a <= b; });
}
Results greater(const FoldNode& n) {
  return compare(n, [](auto a, auto b) { return a > b; });
}
Results greater_or_equal(const FoldNode& n) {
  return compare(n, [](auto a, auto b) { return a >= b; });
}

template <typename Logic>
Results logic(const FoldNode& n, Logic holds) {
  expect_type(n, 0, n.input(0).type == kBoolType);
  return compare(n, holds);
}
Results both(const FoldNode& n) {
  return logic(n, [](auto a, auto b) { return a != 0 && b != 0; });
}
Results either(const FoldNode& n) {
  return logic(n, [](auto a, auto b) { return a != 0 || b != 0; });
}
Results one_of_two(const FoldNode& n) {
  return logic(n, [](auto a, auto b) { return (a != 0) != (b != 0); });
}

Results negation(const FoldNode& n) {
  expect_type(n, 0, n.input(0).type == kBoolType);
  RawTensor made = folded_tensor(extents_of(n.input(0)), kBoolType);
  for (std::size_t i = 0; i < made.values.size(); ++i) {
    made.values[i] = n.input(0).values[i] == 0;
  }
  return {made};
}

Results where(const FoldNode& n) {
  expect_type(n, 0, n.input(0).type == kBoolType);
  n.input(2);
  expect_same_type(n, 1);
  const Shape shape = broadcast_all(n);
  RawTensor made = folded_tensor(extents(shape), n.input(1).type);
  const Broadcasted choice(n.input(0), shape);
  const Broadcasted yes(n.input(1), shape);
  const Broadcasted no(n.input(2), shape);
  for (std::size_t i = 0; i < made.reals.size(); ++i) {
    made.reals[i] = static_cast<float>(choice.integer(i) != 0 ? yes.real(i) : no.real(i));
  }
  for (std::size_t i = 0; i < made.values.size(); ++i) {
    made.values[i] = choice.integer(i) != 0 ? yes.integer(i) : no.integer(i);
  }
  return {made};
}

RawTensor converted(const RawTensor& from, int type) {
  RawTensor made = folded_tensor(extents_of(from), type);
  for (std::size_t i = 0; i < made.reals.size(); ++i) {
    made.reals[i] = from.integers ? static_cast<float>(from.values[i]) : from.reals[i];
    const bool exact = !from.integers || type != kDoubleType ||
                       static_cast<std::int64_t>(made.reals[i]) == from.values[i];
    if (!exact) {
      throw Refusal{"its result is a DOUBLE that no FLOAT holds", "export the model in float32"};
    }
  }
  for (std::size_t i = 0; i < made.values.size(); ++i) {
    if (from.integers) {
      made.values[i] = type == kBoolType ? from.values[i] != 0 : narrowed(from.values[i], type);
    } else if (type == kBoolType) {
      made.values[i] = from.reals[i] != 0;
    } else {
      const double most = type == kInt32Type ? 0x1p31 : 0x1p63;
      if (!(std::fabs(from.reals[i]) < most)) {
        throw Refusal{"makes an integer of a number that none holds", "give smaller numbers"};
      }
      made.values[i] = static_cast<std::int64_t>(from.reals[i]);
    }
  }
  return made;
}

Results cast(const FoldNode& n) {
  const auto type = static_cast<int>(n.node.integer("to", 0));
  if (type != kFloatType && type != kDoubleType && type != kInt32Type && type != kInt64Type &&
      type != kBoolType) {
    throw Refusal{"makes " + element_type_name(type),
                  "FLOAT, DOUBLE, INT64, INT32 and BOOL are supported"};
  }
  return {converted(n.input(0), type)};
}

Results cast_like(const FoldNode& n) { return {converted(n.input(0), n.input(1).type)}; }

}  // namespace

Fold elementwise_fold_of(const std::string& op) {
  static const std::map<std::string, Fold> folds{
      {"Add", add},
      {"Sum", add},
      {"Sub", sub},
      {"Mul", mul},
      {"Div", div},
      {"Min", least},
      {"Max", most},
      {"Mod", mod},
      {"Pow", pow},
      {"Neg", negate},
      {"Abs", absolute},
      {"Sign", sign},
      {"Sqrt", root},
      {"Reciprocal", reciprocal},
      {"Floor", floor},
      {"Ceil", ceil},
      {"Round", round},
      {"Exp", exp},
      {"Log", log},
      {"Erf", erf},
      {"Equal", equal},
      {"Less", less},
      {"LessOrEqual", less_or_equal},
      {"Greater", greater},
      {"GreaterOrEqual", greater_or_equal},
      {"And", both},
      {"Or", either},
      {"Xor", one_of_two},
      {"Not", negation},
      {"Where", where},
      {"Cast", cast},
      {"CastLike", cast_like},
  };
  const auto found = folds.find(op);
  return found == folds.end() ? nullptr : found->second;
}

}  // namespace etude::onnxio
