// SPDX-License-Identifier: Apache-2.0
#include "workloads/npz/npz.h"

#include <catch2/catch.hpp>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "models/base/error.h"
#include "workloads/npz/npy_header.h"

namespace etude {
namespace {

class TemporaryFolder {
 public:
  TemporaryFolder()
      : path_(std::filesystem::temp_directory_path() /
              ("etude_npz_test_" + std::to_string(reinterpret_cast<std::uintptr_t>(this)))) {
    std::filesystem::create_directories(path_);
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

std::vector<char> contents(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void put(const std::filesystem::path& file, const std::vector<char>& bytes) {
  std::ofstream(file, std::ios::binary)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

NpzArchive sample() {
  NpzArchive archive;
  archive["scalar"] = NpyArray::from_float64({}, {2.5});
  archive["fc0.weight"] = NpyArray::from_float32({2, 3}, {1, 2, 3, 4, 5, 6.25f});
  archive["empty"] = NpyArray::from_float32({0, 4}, {});
  return archive;
}

std::string error_of(const std::filesystem::path& file) {
  try {
    read_npz(file);
  } catch (const UserError& error) {
    return error.what();
  }
  return "";
}

TEST_CASE("an archive comes back as it was written, byte for byte the same twice") {
  TemporaryFolder folder;
  write_npz(folder / "a.npz", sample());
  write_npz(folder / "b.npz", sample());
  CHECK(contents(folder / "a.npz") == contents(folder / "b.npz"));
  const auto back = read_npz(folder / "a.npz");
  REQUIRE(back.size() == 3);
  CHECK(back.at("scalar").shape.empty());
  CHECK(back.at("scalar").as_float32() == std::vector<float>{2.5f});
  CHECK(back.at("fc0.weight").shape == std::vector<std::uint64_t>{2, 3});
  CHECK(back.at("fc0.weight").as_float64().back() == 6.25);
  CHECK(back.at("empty").elements() == 0);
}

TEST_CASE("an archive that is cut anywhere is an error that names the file") {
  TemporaryFolder folder;
  write_npz(folder / "a.npz", sample());
  const auto whole = contents(folder / "a.npz");
  for (std::size_t size = 0; size < whole.size(); size += 13) {
    put(folder / "cut.npz", {whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)});
    const auto text = error_of(folder / "cut.npz");
    INFO(size);
    CHECK(text.find("cut.npz") != std::string::npos);
  }
  CHECK(error_of(folder / "absent.npz").find("absent.npz") != std::string::npos);
}

TEST_CASE("a damaged member is named") {
  TemporaryFolder folder;
  write_npz(folder / "a.npz", sample());
  auto bytes = contents(folder / "a.npz");
  const std::string text(bytes.begin(), bytes.end());
  bytes[text.find("fortran_order")] = 'g';
  put(folder / "b.npz", bytes);
  CHECK(error_of(folder / "b.npz").find("member 'empty.npy'") != std::string::npos);
}

std::vector<std::uint8_t> npy(const std::string& dictionary) {
  std::string text = std::string("\x93NUMPY\x01") + '\0' + static_cast<char>(dictionary.size()) +
                     '\0' + dictionary;
  return {text.begin(), text.end()};
}

TEST_CASE("headers that numpy writes and headers that it does not") {
  const auto good = npy("{'descr': '<i8', 'fortran_order': False, 'shape': (3, 4), }\n");
  CHECK(parse_npy_header(good, "x").shape == std::vector<std::uint64_t>{3, 4});
  CHECK(parse_npy_header(good, "x").type == NpyType::kInt64);
  for (const char* bad :
       {"", "{}", "{'descr': '<f4'}", "{'descr': '<c8', 'fortran_order': False, 'shape': (3,), }",
        "{'descr': '>f4', 'fortran_order': False, 'shape': (3,), }",
        "{'descr': '<f4', 'fortran_order': Maybe, 'shape': (3,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-3,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3", "{'descr"}) {
    INFO(bad);
    CHECK_THROWS_AS(parse_npy_header(npy(bad), "x"), UserError);
  }
  for (const NpyHeader& header :
       {NpyHeader{NpyType::kFloat32, {}, 0}, NpyHeader{NpyType::kFloat64, {7}, 0},
        NpyHeader{NpyType::kInt64, {1000, 2, 3}, 0}}) {
    const auto bytes = format_npy_header(header);
    CHECK(bytes.size() % 64 == 0);
    CHECK(parse_npy_header(bytes, "x").shape == header.shape);
    CHECK(parse_npy_header(bytes, "x").data_offset == bytes.size());
  }
}

/// An array of one type with the bytes of `values`.
template <typename T>
NpyArray array_of(NpyType type, const std::vector<T>& values) {
  NpyArray array{type, {values.size()}, std::vector<std::uint8_t>(values.size() * sizeof(T))};
  std::memcpy(array.bytes.data(), values.data(), array.bytes.size());
  return array;
}

TEST_CASE("every type is read by its value, and what no float32 holds is refused") {
  using Floats = std::vector<float>;
  CHECK(array_of<std::uint8_t>(NpyType::kUint8, {0, 200}).exact_float32("x") == Floats{0, 200});
  CHECK(array_of<std::uint8_t>(NpyType::kBool, {0, 1}).exact_float32("x") == Floats{0, 1});
  CHECK(array_of<std::int8_t>(NpyType::kInt8, {-128, 5}).exact_float32("x") == Floats{-128, 5});
  CHECK(array_of<std::int32_t>(NpyType::kInt32, {-7, 1 << 30}).exact_float32("x") ==
        Floats{-7, 0x1p30f});
  CHECK(array_of<double>(NpyType::kFloat64, {0.5, -1e-3f}).exact_float32("x") ==
        Floats{0.5f, -1e-3f});
  // float16: 1, -2, 2^-24 (subnormal), 65504, 0.333...
  CHECK(array_of<std::uint16_t>(NpyType::kFloat16, {0x3C00, 0xC000, 1, 0x7BFF, 0x3555})
            .exact_float32("x") == Floats{1, -2, 0x1p-24f, 65504, 0.333251953125f});
  CHECK_THROWS_WITH(
      array_of<double>(NpyType::kFloat64, {0.5, 0.1}).exact_float32("here"),
      Catch::Contains("here") && Catch::Contains("float64") && Catch::Contains("element 1"));
  CHECK_THROWS_WITH(array_of<std::int32_t>(NpyType::kInt32, {16777217}).exact_float32("x"),
                    Catch::Contains("int32"));
  const std::int64_t wide = (std::int64_t{1} << 62) + 1;  // a double cannot tell it from 2^62
  CHECK_THROWS_AS(array_of<std::int64_t>(NpyType::kInt64, {wide}).exact_float32("x"), UserError);
}

TEST_CASE("Fortran order is told by the header (tests/e2e/test_onnx_inputs.py has numpy's own)") {
  for (const bool fortran : {false, true}) {
    const std::string word = fortran ? "True" : "False";
    const auto bytes = npy("{'descr': '<f4', 'fortran_order': " + word + ", 'shape': (2, 3), }\n");
    CHECK(parse_npy_header(bytes, "x").fortran_order == fortran);
  }
}

}  // namespace
}  // namespace etude
