// SPDX-License-Identifier: Apache-2.0
#include "workloads/npz/npz.h"

#include <zip.h>

#include <bit>
#include <cstring>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>

#include "models/base/error.h"
#include "workloads/npz/npy_header.h"

namespace etude {

static_assert(std::endian::native == std::endian::little, "arrays are copied as they stand");

static constexpr const char* kAllowed =
    "give a numpy .npz of float32, float64 or int64 arrays in C order";

static std::size_t element_bytes(NpyType type) { return type == NpyType::kFloat32 ? 4 : 8; }

std::uint64_t NpyArray::elements() const {
  std::uint64_t n = 1;
  for (auto extent : shape) {
    n *= extent;
  }
  return n;
}

template <class To>
static std::vector<To> convert(const NpyArray& array) {
  const auto copy = [&]<class From>(From) {
    std::vector<To> out(array.bytes.size() / sizeof(From));
    for (std::size_t i = 0; i < out.size(); ++i) {
      From value;
      std::memcpy(&value, array.bytes.data() + i * sizeof(From), sizeof(From));
      out[i] = static_cast<To>(value);
    }
    return out;
  };
  switch (array.type) {
    case NpyType::kFloat32:
      return copy(float{});
    case NpyType::kFloat64:
      return copy(double{});
    case NpyType::kInt64:
      return copy(std::int64_t{});
  }
  return {};
}

std::vector<float> NpyArray::as_float32() const { return convert<float>(*this); }
std::vector<double> NpyArray::as_float64() const { return convert<double>(*this); }

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
  std::uint64_t wanted = element_bytes(header.type);
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
