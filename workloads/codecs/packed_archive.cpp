// SPDX-License-Identifier: Apache-2.0
#include "workloads/codecs/packed_archive.h"

#include <cstring>
#include <limits>
#include <span>
#include <stdexcept>
#include <tuple>

#include "models/base/error.h"
#include "workloads/codecs/codec.h"

namespace etude {
namespace {
constexpr std::uint32_t kMagic = 0x31545045;  // "EPT1"
constexpr const char* kRecord = "packed";
constexpr const char* kPrefix = "packed/";
constexpr std::uint32_t kMostExtents = 8;

bool is_packed_name(const std::string& member) { return member.starts_with(kPrefix); }

NpyArray bytes_array(std::vector<std::uint8_t> bytes) {
  NpyArray array;
  array.type = NpyType::kUint8;
  array.shape = {bytes.size()};
  array.bytes = std::move(bytes);
  return array;
}

/// Words and arrays one after the other.
class Writer {
 public:
  void word(std::uint64_t value) {
    const auto narrow = static_cast<std::uint32_t>(value);
    array(std::span(&narrow, 1));
  }
  template <class T>
  void array(std::span<const T> values) {
    const std::size_t at = bytes.size();
    bytes.resize((at + values.size_bytes() + 3) / 4 * 4);
    if (!values.empty()) {
      std::memcpy(bytes.data() + at, values.data(), values.size_bytes());
    }
  }
  std::vector<std::uint8_t> bytes;
};

/// The same, read; what is missing is an error.
class Reader {
 public:
  Reader(std::span<const std::uint8_t> bytes, const std::string& where)
      : bytes_(bytes), where_(where) {}
  std::uint32_t word() { return array<std::uint32_t>(1).front(); }
  template <class T>
  std::vector<T> array(std::uint64_t count) {
    const std::uint64_t padded = (count * sizeof(T) + 3) / 4 * 4;
    if (padded > bytes_.size()) {
      codec::damaged(where_, "it ends early");
    }
    std::vector<T> values(count);
    if (count != 0) {
      std::memcpy(values.data(), bytes_.data(), count * sizeof(T));
    }
    codec::check_padding(bytes_.first(padded), count * sizeof(T) * 8, where_);
    bytes_ = bytes_.subspan(padded);
    return values;
  }
  bool at_end() const { return bytes_.empty(); }

 private:
  std::span<const std::uint8_t> bytes_;
  std::string where_;
};

StoredForm form_of(std::uint32_t word, const std::string& where) {
  const std::uint32_t number = word & 0xFF;
  const std::uint32_t code = (word >> 8) & 0xFF;
  const std::uint32_t per_row = word >> 16;
  if (number > static_cast<std::uint32_t>(StoredNumber::kInt3) ||
      code > static_cast<std::uint32_t>(StoredCode::kHuffman) || per_row > 1) {
    codec::damaged(where, "its form is none that this program knows");
  }
  return {static_cast<StoredNumber>(number), static_cast<StoredCode>(code), per_row == 1};
}

/// Words of each row, seven bits a byte, the lower ones first, bit 7 where more follow.
std::vector<std::uint8_t> row_lengths(const std::vector<std::uint32_t>& begin) {
  std::vector<std::uint8_t> bytes;
  for (std::size_t row = 0; row + 1 < begin.size(); ++row) {
    std::uint32_t words = (begin[row + 1] - begin[row]) / 4;
    for (; words > 0x7F; words >>= 7) {
      bytes.push_back(static_cast<std::uint8_t>(words | 0x80));
    }
    bytes.push_back(static_cast<std::uint8_t>(words));
  }
  return bytes;
}

/// PackedTensor::row_begin of such lengths.
std::vector<std::uint32_t> row_offsets(const std::vector<std::uint8_t>& lengths,
                                       const std::string& where) {
  std::vector<std::uint32_t> begin;
  std::uint64_t at = 0, words = 0;
  unsigned shift = 0;
  for (const std::uint8_t byte : lengths) {
    words |= std::uint64_t{byte & 0x7Fu} << shift;
    shift += 7;
    if (shift > 28) {
      codec::damaged(where, "a row is longer than 32 bits tell");
    }
    if ((byte & 0x80) == 0) {
      begin.push_back(static_cast<std::uint32_t>(at));
      at += 4 * words;
      words = 0;
      shift = 0;
    }
    if (at > std::numeric_limits<std::uint32_t>::max()) {
      codec::damaged(where, "its rows are longer than 32 bits tell");
    }
  }
  if (shift != 0) {
    codec::damaged(where, "the length of a row ends early");
  }
  begin.push_back(static_cast<std::uint32_t>(at));
  return begin;
}

std::vector<std::uint8_t> written(const PackedTensor& packed,
                                  const std::vector<std::uint64_t>& shape) {
  Writer out;
  const std::vector<std::uint8_t> rows = row_lengths(packed.row_begin);
  out.word(kMagic);
  out.word(static_cast<std::uint32_t>(packed.form.number) |
           static_cast<std::uint32_t>(packed.form.code) << 8 |
           (packed.form.scale_per_row ? 1u : 0u) << 16);
  out.word(shape.size());
  for (const std::uint64_t extent : shape) {
    out.word(extent);
  }
  for (const std::size_t count :
       {packed.scales.size(), rows.size(), packed.lengths.size(), packed.bytes.size()}) {
    out.word(count);
  }
  out.array(std::span<const float>(packed.scales));
  out.array(std::span<const std::uint8_t>(rows));
  out.array(std::span<const std::uint8_t>(packed.lengths));
  out.array(std::span<const std::uint8_t>(packed.bytes));
  return out.bytes;
}

PackedTensor tensor_of(std::span<const std::uint8_t> bytes, std::vector<std::uint64_t>& shape,
                       const std::string& where) {
  Reader in(bytes, where);
  if (in.word() != kMagic) {
    codec::damaged(where, "it does not begin as a packed tensor");
  }
  PackedTensor packed;
  packed.form = form_of(in.word(), where);
  const std::uint32_t rank = in.word();
  if (rank > kMostExtents) {
    codec::damaged(where, "it has " + std::to_string(rank) + " extents");
  }
  const auto extents = in.array<std::uint32_t>(rank);
  shape.assign(extents.begin(), extents.end());
  std::tie(packed.rows, packed.cols) = matrix_of(shape, packed.form.scale_per_row, where);
  const auto counts = in.array<std::uint32_t>(4);
  packed.scales = in.array<float>(counts[0]);
  const auto rows = in.array<std::uint8_t>(counts[1]);
  if (packed.form.code != StoredCode::kPlain || !rows.empty()) {
    packed.row_begin = row_offsets(rows, where);
  }
  packed.lengths = in.array<std::uint8_t>(counts[2]);
  packed.bytes = in.array<std::uint8_t>(counts[3]);
  if (!in.at_end()) {
    codec::damaged(where, "it has bytes behind its last array");
  }
  return packed;
}

}  // namespace

std::pair<std::uint32_t, std::uint32_t> matrix_of(const std::vector<std::uint64_t>& shape,
                                                  bool scale_per_row, const std::string& where) {
  const std::size_t split = shape.empty() ? 0 : scale_per_row ? 1 : shape.size() - 1;
  std::uint64_t extents[2] = {1, 1};
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    std::uint64_t& extent = extents[axis < split ? 0 : 1];
    if (shape[axis] > std::numeric_limits<std::uint32_t>::max() ||
        extent * shape[axis] > std::numeric_limits<std::uint32_t>::max()) {
      throw UserError(where, "has more rows or columns than 32 bits hold", "give smaller extents");
    }
    extent *= shape[axis];
  }
  return {static_cast<std::uint32_t>(extents[0]), static_cast<std::uint32_t>(extents[1])};
}

bool is_packed(const NpzArchive& archive) {
  for (const auto& [name, array] : archive) {
    if (name == kRecord || is_packed_name(name)) {
      return true;
    }
  }
  return false;
}

PackedArchive read_packed(const NpzArchive& archive, const std::string& where) {
  PackedArchive read;
  for (const auto& [member, array] : archive) {
    if (member != kRecord && !is_packed_name(member)) {
      read.plain.emplace(member, array);
      continue;
    }
    const std::string name = member == kRecord ? "" : member.substr(std::strlen(kPrefix));
    const std::string place = where + ": packed '" + name + "'";
    if (array.type != NpyType::kUint8 || array.shape.size() != 1) {
      codec::damaged(place, "its member is no list of bytes");
    }
    if (member == kRecord) {
      read.record.assign(array.bytes.begin(), array.bytes.end());
      continue;
    }
    if (archive.contains(name)) {
      codec::damaged(place, "the parameter is there a second time, as an array");
    }
    PackedTensor packed = tensor_of(array.bytes, read.shapes[name], place);
    unpack(packed, place);
    read.packed.emplace(name, std::move(packed));
  }
  return read;
}

NpzArchive packed_members(const PackedArchive& archive) {
  NpzArchive members;
  for (const auto& [name, array] : archive.plain) {
    if (name == kRecord || is_packed_name(name)) {
      throw UserError("parameter '" + name + "'", "has a name that packed parameters have",
                      "rename it");
    }
    members.emplace(name, array);
  }
  for (const auto& [name, packed] : archive.packed) {
    const auto shape = archive.shapes.find(name);
    if (shape == archive.shapes.end()) {
      throw std::logic_error("packed '" + name + "' has no extents");
    }
    if (archive.plain.contains(name)) {
      throw std::logic_error("'" + name + "' is both packed and plain");
    }
    members.emplace(kPrefix + name, bytes_array(written(packed, shape->second)));
  }
  members.emplace(kRecord, bytes_array({archive.record.begin(), archive.record.end()}));
  return members;
}

NpzArchive decoded(const PackedArchive& archive) {
  NpzArchive all = archive.plain;
  for (const auto& [name, packed] : archive.packed) {
    all.emplace(name, NpyArray::from_float32(archive.shapes.at(name), unpack(packed, name)));
  }
  return all;
}

}  // namespace etude
