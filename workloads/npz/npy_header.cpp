// SPDX-License-Identifier: Apache-2.0
#include "workloads/npz/npy_header.h"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <string_view>

#include "models/base/error.h"

namespace etude {

namespace {

constexpr const char* kMagic = "\x93NUMPY";

struct TypeRow {
  NpyType type;
  std::string_view code;  ///< in headers
  const char* name;
  std::size_t bytes;
};

constexpr TypeRow kTypes[] = {
    {NpyType::kFloat32, "<f4", "float32", 4}, {NpyType::kFloat64, "<f8", "float64", 8},
    {NpyType::kFloat16, "<f2", "float16", 2}, {NpyType::kBool, "|b1", "bool", 1},
    {NpyType::kInt8, "|i1", "int8", 1},       {NpyType::kUint8, "|u1", "uint8", 1},
    {NpyType::kInt16, "<i2", "int16", 2},     {NpyType::kUint16, "<u2", "uint16", 2},
    {NpyType::kInt32, "<i4", "int32", 4},     {NpyType::kUint32, "<u4", "uint32", 4},
    {NpyType::kInt64, "<i8", "int64", 8},     {NpyType::kUint64, "<u8", "uint64", 8},
};

const TypeRow& row_of(NpyType type) { return *std::ranges::find(kTypes, type, &TypeRow::type); }

/// Reads the Python dictionary of a header: three keys, literal values.
class DictionaryReader {
 public:
  DictionaryReader(std::string text, const std::string& where)
      : text_(std::move(text)), where_(where) {}

  NpyHeader read() {
    NpyHeader header;
    bool descr = false, order = false, shape = false;
    expect('{');
    while (!accept('}')) {
      const std::string key = quoted();
      expect(':');
      if (key == "descr") {
        header.type = type_of(quoted());
        descr = true;
      } else if (key == "fortran_order") {
        const std::string value = word();
        if (value != "False" && value != "True") {
          fail();
        }
        header.fortran_order = value == "True";
        order = true;
      } else if (key == "shape") {
        header.shape = tuple();
        shape = true;
      } else {
        fail();
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    if (!descr || !order || !shape) {
      fail();
    }
    return header;
  }

 private:
  [[noreturn]] void fail() const {
    throw UserError(where_, "has a broken .npy header", "write it with numpy.savez");
  }
  void skip() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) {
      ++at_;
    }
  }
  bool accept(char c) {
    skip();
    if (at_ < text_.size() && text_[at_] == c) {
      ++at_;
      return true;
    }
    return false;
  }
  void expect(char c) {
    if (!accept(c)) {
      fail();
    }
  }
  std::string quoted() {
    skip();
    if (at_ >= text_.size() || (text_[at_] != '\'' && text_[at_] != '"')) {
      fail();
    }
    const char quote = text_[at_++];
    std::string out;
    while (at_ < text_.size() && text_[at_] != quote) {
      out += text_[at_++];
    }
    expect(quote);
    return out;
  }
  std::string word() {
    skip();
    std::string out;
    while (at_ < text_.size() && std::isalnum(static_cast<unsigned char>(text_[at_])) != 0) {
      out += text_[at_++];
    }
    return out;
  }
  std::vector<std::uint64_t> tuple() {
    std::vector<std::uint64_t> out;
    expect('(');
    while (!accept(')')) {
      const std::string digits = word();
      if (digits.empty() || digits.size() > 12 ||
          digits.find_first_not_of("0123456789") != std::string::npos) {
        fail();
      }
      out.push_back(std::stoull(digits));
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return out;
  }
  NpyType type_of(const std::string& name) const {
    const auto* row = std::ranges::find(kTypes, name, &TypeRow::code);
    if (row == std::end(kTypes)) {
      throw UserError(where_, "has element type '" + name + "'",
                      "allowed are float16, float32, float64, bool and integers of 8 to 64 bits, "
                      "little endian");
    }
    return row->type;
  }

  std::string text_;
  const std::string& where_;
  std::size_t at_ = 0;
};

}  // namespace

const char* name_of(NpyType type) { return row_of(type).name; }

std::size_t bytes_of(NpyType type) { return row_of(type).bytes; }

NpyHeader parse_npy_header(const std::vector<std::uint8_t>& bytes, const std::string& where) {
  const std::string magic = kMagic;
  if (bytes.size() < 12 || std::string(bytes.begin(), bytes.begin() + 6) != magic) {
    throw UserError(where, "is not a .npy array (no magic)", "write it with numpy.savez");
  }
  const unsigned version = bytes[6];
  if (version < 1 || version > 3) {
    throw UserError(where, "has .npy version " + std::to_string(version), "allowed are 1, 2, 3");
  }
  const std::size_t prefix = version == 1 ? 10 : 12;
  std::size_t length = bytes[8] | (std::size_t{bytes[9]} << 8);
  if (version > 1) {
    length |= (std::size_t{bytes[10]} << 16) | (std::size_t{bytes[11]} << 24);
  }
  if (length > bytes.size() - prefix) {
    throw UserError(where, "ends inside its header", "write it with numpy.savez");
  }
  const auto first = bytes.begin() + static_cast<std::ptrdiff_t>(prefix);
  const std::string text(first, first + static_cast<std::ptrdiff_t>(length));
  NpyHeader header = DictionaryReader(text, where).read();
  header.data_offset = prefix + length;
  return header;
}

std::vector<std::uint8_t> format_npy_header(const NpyHeader& header) {
  std::string text = std::string("{'descr': '") + std::string(row_of(header.type).code) +
                     "', 'fortran_order': False, 'shape': (";
  for (std::size_t i = 0; i < header.shape.size(); ++i) {
    text.append(i > 0 ? 1 : 0, ' ');
    text += std::to_string(header.shape[i]);
    text.append(header.shape.size() == 1 || i + 1 < header.shape.size() ? 1 : 0, ',');
  }
  text += "), }";
  constexpr std::size_t kPrefix = 10;
  text.append(63 - (kPrefix + text.size()) % 64, ' ');
  text += '\n';
  std::string front = kMagic;
  front += '\x01';
  front += '\0';
  front += static_cast<char>(text.size() & 0xff);
  front += static_cast<char>(text.size() >> 8);
  front += text;
  return {front.begin(), front.end()};
}

}  // namespace etude
