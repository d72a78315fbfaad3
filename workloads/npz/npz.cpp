// SPDX-License-Identifier: Apache-2.0
#include "workloads/npz/npz.h"

#include <zip.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "models/base/error.h"
#include "workloads/npz/npy_header.h"

namespace etude {

static_assert(std::endian::native == std::endian::little, "arrays are copied as they stand");

static constexpr const char* kAllowed =
    "give a numpy .npz of arrays of floats, integers or truth values";

std::uint64_t NpyArray::elements() const {
  std::uint64_t n = 1;
  for (auto extent : shape) {
    n *= extent;
  }
  return n;
}

namespace {

/// A float16, bit by bit.
struct Half {
  std::uint16_t bits;
  explicit operator double() const {
    const int exponent = bits >> 10 & 31;
    const double fraction = bits & 1023;
    const double size = exponent == 31  ? (fraction == 0 ? INFINITY : NAN)
                        : exponent == 0 ? std::ldexp(fraction, -24)
                                        : std::ldexp(1024 + fraction, exponent - 25);
    return (bits & 0x8000) != 0 ? -size : size;
  }
  explicit operator float() const { return static_cast<float>(static_cast<double>(*this)); }
};

/// A truth value as numpy stores it.
struct Truth {
  std::uint8_t bits;
  explicit operator double() const { return bits != 0 ? 1 : 0; }
  explicit operator float() const { return bits != 0 ? 1 : 0; }
};

/// Calls visit(From{}) with the C++ type of the elements.
template <class Visit>
auto with_type(NpyType type, Visit&& visit) {
  switch (type) {
    case NpyType::kFloat32:
      return visit(float{});
    case NpyType::kFloat64:
      return visit(double{});
    case NpyType::kFloat16:
      return visit(Half{});
    case NpyType::kBool:
      return visit(Truth{});
    case NpyType::kInt8:
      return visit(std::int8_t{});
    case NpyType::kUint8:
      return visit(std::uint8_t{});
    case NpyType::kInt16:
      return visit(std::int16_t{});
    case NpyType::kUint16:
      return visit(std::uint16_t{});
    case NpyType::kInt32:
      return visit(std::int32_t{});
    case NpyType::kUint32:
      return visit(std::uint32_t{});
    case NpyType::kInt64:
      return visit(std::int64_t{});
    case NpyType::kUint64:
      return visit(std::uint64_t{});
  }
  throw std::logic_error("no such type");
}

/// Whether a float32 holds the element, NaN and infinities as they are.
template <class From>
bool holds(From value, float rounded) {
  if constexpr (std::is_integral_v<From>) {
    // A float32 of up to 2^64 is exact as a long double; so is every integer here.
    return static_cast<long double>(rounded) == static_cast<long double>(value);
  } else {
    const auto exact = static_cast<double>(value);
    return exact != exact || static_cast<double>(rounded) == exact;
  }
}

/// The elements of an array whose first extent runs fastest, in C order.
std::vector<std::uint8_t> in_c_order(const std::vector<std::uint64_t>& shape, std::size_t bytes,
                                     const std::vector<std::uint8_t>& from) {
  std::vector<std::uint8_t> made(from.size());
  std::vector<std::uint64_t> at(shape.size(), 0);
  for (std::size_t target = 0; target < made.size(); target += bytes) {
    std::size_t source = 0;
    for (std::size_t d = shape.size(); d-- > 0;) {
      source = source * shape[d] + at[d];
    }
    std::memcpy(made.data() + target, from.data() + source * bytes, bytes);
    for (std::size_t d = shape.size(); d-- > 0 && ++at[d] == shape[d];) {
      at[d] = 0;
    }
  }
  return made;
}

}  // namespace

template <class To>
static std::vector<To> convert(const NpyArray& array) {
  return with_type(array.type, [&]<class From>(From) {
    std::vector<To> out(array.bytes.size() / sizeof(From));
    for (std::size_t i = 0; i < out.size(); ++i) {
      From value;
      std::memcpy(&value, array.bytes.data() + i * sizeof(From), sizeof(From));
      out[i] = static_cast<To>(value);
    }
    return out;
  });
}

std::vector<float> NpyArray::as_float32() const { return convert<float>(*this); }
std::vector<double> NpyArray::as_float64() const { return convert<double>(*this); }

std::vector<float> NpyArray::exact_float32(const std::string& where) const {
  std::vector<float> values = as_float32();
  with_type(type, [&]<class From>(From) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      From value;
      std::memcpy(&value, bytes.data() + i * sizeof(From), sizeof(From));
      if (!holds(value, values[i])) {
        throw UserError(where,
                        "has the type " + std::string(name_of(type)) + ", and element " +
                            std::to_string(i) + " is no float32",
                        "round it yourself: array.astype(numpy.float32)");
      }
    }
  });
  return values;
}

template <class T>
static NpyArray make_array(NpyType type, std::vector<std::uint64_t> shape,
                           const std::vector<T>& values) {
  NpyArray array{type, std::move(shape), std::vector<std::uint8_t>(values.size() * sizeof(T))};
  if (!values.empty()) {
    std::memcpy(array.bytes.data(), values.data(), array.bytes.size());
  }
  return array;
}

NpyArray NpyArray::from_float32(std::vector<std::uint64_t> shape,
                                const std::vector<float>& values) {
  return make_array(NpyType::kFloat32, std::move(shape), values);
}
NpyArray NpyArray::from_float64(std::vector<std::uint64_t> shape,
                                const std::vector<double>& values) {
  return make_array(NpyType::kFloat64, std::move(shape), values);
}

namespace {

using Archive = std::unique_ptr<zip_t, decltype(&zip_discard)>;
using Member = std::unique_ptr<zip_file_t, decltype(&zip_fclose)>;

std::string text_of(int code) {
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  std::string text = zip_error_strerror(&error);
  zip_error_fini(&error);
  return text;
}

std::vector<std::uint8_t> read_member(zip_t* archive, zip_uint64_t index,
                                      const std::string& where) {
  zip_stat_t stat;
  if (zip_stat_index(archive, index, 0, &stat) != 0 || (stat.valid & ZIP_STAT_SIZE) == 0) {
    throw UserError(where, "cannot be read from the archive", kAllowed);
  }
  Member member(zip_fopen_index(archive, index, 0), &zip_fclose);
  if (!member) {
    throw UserError(where, std::string("cannot be read (") + zip_strerror(archive) + ")", kAllowed);
  }
  // Grown as data arrives: the directory of a broken archive may claim any size.
  std::vector<std::uint8_t> bytes;
  std::vector<std::uint8_t> piece(1 << 16);
  zip_int64_t got = 0;
  while ((got = zip_fread(member.get(), piece.data(), piece.size())) > 0) {
    bytes.insert(bytes.end(), piece.begin(), piece.begin() + got);
  }
  if (got < 0 || bytes.size() != stat.size) {
    throw UserError(where, "is damaged or cut short", kAllowed);
  }
  return bytes;
}

NpyArray parse_npy(const std::vector<std::uint8_t>& bytes, const std::string& where) {
  const NpyHeader header = parse_npy_header(bytes, where);
  NpyArray array{header.type, header.shape, {}};
  std::uint64_t wanted = bytes_of(header.type);
  for (auto extent : header.shape) {
    if (extent != 0 && wanted > bytes.size() / extent + 1) {
      wanted = ~std::uint64_t{0};
      break;
    }
    wanted *= extent;
  }
  if (wanted != bytes.size() - header.data_offset) {
    throw UserError(where,
                    "holds " + std::to_string(bytes.size() - header.data_offset) +
                        " bytes of data, not what its shape says",
                    kAllowed);
  }
  array.bytes.assign(bytes.begin() + static_cast<std::ptrdiff_t>(header.data_offset), bytes.end());
  if (header.fortran_order) {
    array.bytes = in_c_order(array.shape, bytes_of(header.type), array.bytes);
  }
  return array;
}

}  // namespace

NpzArchive read_npz(const std::filesystem::path& file) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(file, ignored)) {  // a pipe would be waited for
    throw UserError(file.string(), "is no regular file", kAllowed);
  }
  int code = 0;
  Archive archive(zip_open(file.c_str(), ZIP_RDONLY | ZIP_CHECKCONS, &code), &zip_discard);
  if (!archive) {
    throw UserError(file.string(), "cannot be read as an .npz archive (" + text_of(code) + ")",
                    kAllowed);
  }
  NpzArchive result;
  const auto entries = zip_get_num_entries(archive.get(), 0);
  for (zip_int64_t i = 0; i < entries; ++i) {
    const auto index = static_cast<zip_uint64_t>(i);
    const char* raw = zip_get_name(archive.get(), index, 0);
    std::string name = raw != nullptr ? raw : "?";
    const std::string where = file.string() + ": member '" + name + "'";
    if (!name.ends_with(".npy")) {
      throw UserError(where, "is not a .npy array", kAllowed);
    }
    const auto bytes = read_member(archive.get(), index, where);
    name.resize(name.size() - 4);
    result[name] = parse_npy(bytes, where);
  }
  return result;
}

std::string npz_bytes(const NpzArchive& archive) {
  const auto fail = [](zip_error_t* error) -> std::runtime_error {
    return std::runtime_error(std::string("npz: ") + zip_error_strerror(error));
  };
  zip_error_t error;
  zip_error_init(&error);
  using Source = std::unique_ptr<zip_source_t, decltype(&zip_source_free)>;
  const Source file(zip_source_buffer_create(nullptr, 0, 1, &error), &zip_source_free);
  if (!file) {
    throw fail(&error);
  }
  zip_source_keep(file.get());  // the archive frees its own reference
  Archive zip(zip_open_from_source(file.get(), ZIP_TRUNCATE, &error), &zip_discard);
  if (!zip) {
    zip_source_free(file.get());
    throw fail(&error);
  }
  std::vector<std::vector<std::uint8_t>> members;  // libzip reads them at zip_close
  members.reserve(archive.size());
  for (const auto& [name, array] : archive) {
    members.push_back(format_npy_header({array.type, array.shape, 0}));
    auto& bytes = members.back();
    bytes.insert(bytes.end(), array.bytes.begin(), array.bytes.end());
    zip_source_t* source = zip_source_buffer(zip.get(), bytes.data(), bytes.size(), 0);
    if (source == nullptr) {
      throw fail(zip_get_error(zip.get()));
    }
    const auto index = zip_file_add(zip.get(), (name + ".npy").c_str(), source, ZIP_FL_ENC_UTF_8);
    if (index < 0) {
      zip_source_free(source);
      throw fail(zip_get_error(zip.get()));
    }
    const auto at = static_cast<zip_uint64_t>(index);
    constexpr zip_uint16_t kFirstDosDay = (1 << 5) | 1;  // 1 January 1980
    if (zip_set_file_compression(zip.get(), at, ZIP_CM_STORE, 0) != 0 ||
        zip_file_set_dostime(zip.get(), at, 0, kFirstDosDay, 0) != 0) {
      throw fail(zip_get_error(zip.get()));
    }
  }
  if (zip_close(zip.get()) != 0) {
    throw fail(zip_get_error(zip.get()));
  }
  (void)zip.release();  // closed
  zip_stat_t stat;
  if (zip_source_stat(file.get(), &stat) != 0 || zip_source_open(file.get()) != 0) {
    throw fail(zip_source_error(file.get()));
  }
  std::string bytes(stat.size, '\0');
  const zip_int64_t got = zip_source_read(file.get(), bytes.data(), bytes.size());
  zip_source_close(file.get());
  if (got != static_cast<zip_int64_t>(bytes.size())) {
    throw fail(zip_source_error(file.get()));
  }
  return bytes;
}

void write_npz(const std::filesystem::path& file, const NpzArchive& archive) {
  std::ofstream out(file, std::ios::binary);
  if (!(out << npz_bytes(archive)) || !out.flush()) {
    throw UserError(file.string(), "cannot be written", "name a writable place");
  }
}

}  // namespace etude
