// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <type_traits>

#include "models/base/element_type.h"
#include "models/base/types.h"

using namespace etude::literals;

TEST_CASE("quantities of one unit add and compare, of two units do not mix", "[base]") {
  CHECK((3_cy + 4_cy).raw() == 7);
  CHECK(3_cy < 4_cy);
  CHECK((2_KiB).raw() == 2048);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<etude::Bytes, etude::Cycle>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<int, etude::Cycle>);
}

TEST_CASE("an address is a place: it moves by bytes, and two have a distance", "[base]") {
  using etude::Address;
  using etude::Bytes;
  constexpr Address a{0x1000};
  CHECK((a + 16_B).raw() == 0x1010);
  CHECK((a - 16_B).raw() == 0xFF0);
  CHECK((a + 16_B) - a == 16_B);
  CHECK(a < a + 1_B);
  Address moved = a;
  moved += 2_KiB;
  CHECK(moved == Address{0x1800});
  CHECK(Address{} == Address{0});
  // Up to the last of the 32 bits.
  CHECK(Address{0xFFFFFFF8} - a == Bytes{0xFFFFEFF8});
  STATIC_REQUIRE_FALSE(std::is_convertible_v<int, Address>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<Address, std::uint32_t>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<Bytes, Address>);
  STATIC_REQUIRE(sizeof(Address) == 4);
  STATIC_REQUIRE(std::is_trivially_copyable_v<Address>);
}

template <class A, class B>
concept Adds = requires(A a, B b) { a + b; };
template <class A, class B>
concept Multiplies = requires(A a, B b) { a* b; };

TEST_CASE("what has no meaning does not compile", "[base]") {
  using etude::Address;
  using etude::Bytes;
  using etude::Cycle;
  STATIC_REQUIRE(Adds<Address, Bytes>);
  STATIC_REQUIRE_FALSE(Adds<Address, Address>);
  STATIC_REQUIRE_FALSE(Adds<Address, int>);
  STATIC_REQUIRE_FALSE(Adds<Bytes, int>);
  STATIC_REQUIRE_FALSE(Adds<Bytes, Cycle>);
  STATIC_REQUIRE(Multiplies<Bytes, int>);
  STATIC_REQUIRE(Multiplies<int, Bytes>);
  STATIC_REQUIRE_FALSE(Multiplies<Bytes, Bytes>);
  STATIC_REQUIRE_FALSE(Multiplies<Address, int>);
}

TEST_CASE("quantities are multiplied and divided by counts", "[base]") {
  CHECK(3 * 8_B == 24_B);
  CHECK(8_B * 3 == 24_B);
  CHECK(25_B / 8 == 3_B);  // whole ones
  CHECK(7_cy / 2 == 3_cy);
}

TEST_CASE("bytes of elements, and elements in bytes", "[base]") {
  using etude::DType;
  CHECK(etude::bytes_for(3) == 12_B);
  CHECK(etude::bytes_for(3, DType::kFloat16) == 6_B);
  CHECK(etude::bytes_for(std::uint64_t{1} << 32) == 4_KiB * (1u << 22));  // no 32 bits
  CHECK(etude::elements_in(15_B) == 3);
  CHECK(etude::elements_in(15_B, DType::kFloat16) == 7);
}
