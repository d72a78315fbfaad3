// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>

namespace etude {

/// A number that carries its unit in its type: two units never mix, and nothing is lost in speed.
template <class Tag, class Rep>
class Quantity {
 public:
  using rep = Rep;
  constexpr Quantity() = default;
  constexpr explicit Quantity(Rep value) : value_(value) {}
  /// The bare number, in the unit that the type names.
  constexpr Rep raw() const { return value_; }
  constexpr auto operator<=>(const Quantity&) const = default;
  constexpr Quantity& operator+=(Quantity other) { return value_ += other.value_, *this; }
  constexpr Quantity& operator-=(Quantity other) { return value_ -= other.value_, *this; }
  constexpr Quantity& operator++() { return ++value_, *this; }
  friend constexpr Quantity operator+(Quantity a, Quantity b) {
    return Quantity(a.value_ + b.value_);
  }
  friend constexpr Quantity operator-(Quantity a, Quantity b) {
    return Quantity(a.value_ - b.value_);
  }
  friend constexpr Quantity operator*(Quantity a, Rep n) { return Quantity(a.value_ * n); }
  friend constexpr Quantity operator*(Rep n, Quantity a) { return a * n; }
  friend constexpr Quantity operator/(Quantity a, Rep n) { return Quantity(a.value_ / n); }

 private:
  Rep value_{};
};

/// A cycle number, or a count of cycles, of the cluster clock (first cycle after reset = 0).
using Cycle = Quantity<struct CycleTag, std::uint64_t>;
/// A number of bytes.
using Bytes = Quantity<struct BytesTag, std::uint64_t>;
/// An energy in picojoules.
using Picojoules = Quantity<struct PicojoulesTag, double>;

/// A 32-bit address of the simulated SoC: a place, so that two of them have a distance in bytes and
/// no sum.
class Address {
 public:
  using rep = std::uint32_t;
  constexpr Address() = default;
  constexpr explicit Address(rep value) : value_(value) {}
  /// The bare number.
  constexpr rep raw() const { return value_; }
  constexpr auto operator<=>(const Address&) const = default;
  constexpr Address& operator+=(Bytes distance) { return *this = *this + distance; }
  friend constexpr Address operator+(Address a, Bytes distance) {
    return Address(a.value_ + static_cast<rep>(distance.raw()));
  }
  friend constexpr Address operator-(Address a, Bytes distance) {
    return Address(a.value_ - static_cast<rep>(distance.raw()));
  }
  /// Bytes from `b` up to `a`.
  friend constexpr Bytes operator-(Address a, Address b) { return Bytes{a.value_ - b.value_}; }

 private:
  rep value_{};
};

/// Later than any cycle: "no event is due".
inline constexpr Cycle kNever{~std::uint64_t{0}};

namespace literals {
constexpr Cycle operator""_cy(unsigned long long n) { return Cycle{n}; }
constexpr Bytes operator""_B(unsigned long long n) { return Bytes{n}; }
constexpr Bytes operator""_KiB(unsigned long long n) { return Bytes{n * 1024}; }
}  // namespace literals

}  // namespace etude
