// SPDX-License-Identifier: Apache-2.0
#include "workloads/onnx/external_data.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <map>
#include <optional>

#include "models/base/error.h"

namespace etude::onnxio {

namespace fs = std::filesystem;

namespace {

/// Of all tensors together: tensors may share bytes of a file, so that its size bounds nothing.
constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 31;

std::string one_line(std::string text) {
  std::ranges::replace_if(text, [](unsigned char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

std::uint64_t number(const std::string& where, const std::string& key, const std::string& text) {
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || stop != end || error != std::errc{}) {
    throw UserError(where, "has the " + key + " '" + one_line(text) + "' of its external data",
                    "it is a number of bytes from 0 on");
  }
  return value;
}

bool is_inside(const fs::path& path, const fs::path& folder) {
  return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first ==
         folder.end();
}

/// The file of a tensor, which lies below `folder` with all links followed.
fs::path checked_file(const std::string& where, const fs::path& folder,
                      const std::string& location) {
  const std::string shown = "has its data in '" + one_line(location) + "'";
  const fs::path relative(location);
  const bool up = std::ranges::any_of(relative, [](const fs::path& part) { return part == ".."; });
  if (location.empty() || location.find('\0') != std::string::npos || relative.is_absolute() ||
      up) {
    throw UserError(where, shown, "the location is the name of a file beside the model");
  }
  std::error_code error;
  const fs::path home = fs::canonical(folder.empty() ? fs::path(".") : folder, error);
  const fs::path file = error ? fs::path() : fs::canonical(folder / relative, error);
  if (error) {
    throw UserError(where, shown + ", which is not there", "put that file beside the model");
  }
  if (!is_inside(file, home)) {
    throw UserError(where, shown + ", a link that leaves the folder of the model",
                    "put the file itself beside the model");
  }
  if (!fs::is_regular_file(file, error)) {
    throw UserError(where, shown + ", which is no file", "put that file beside the model");
  }
  return folder / relative;
}

}  // namespace

ExternalData::ExternalData(const fs::path& model) : folder_(model.parent_path()) {}

std::string ExternalData::read(const std::string& where,
                               const std::vector<std::pair<std::string, std::string>>& entries,
                               std::uint64_t bytes) {
  std::map<std::string, std::string> keys;
  for (const auto& [key, value] : entries) {
    if (key != "location" && key != "offset" && key != "length") {
      throw UserError(where, "has the key '" + one_line(key) + "' of external data",
                      "location, offset and length are supported");
    }
    if (!keys.emplace(key, value).second) {
      throw UserError(where, "has the key '" + key + "' of external data twice", "give it once");
    }
  }
  const std::string location = keys.contains("location") ? keys.at("location") : "";
  const fs::path file = checked_file(where, folder_, location);
  const std::string shown = "'" + one_line(location) + "'";
  const std::uint64_t offset =
      keys.contains("offset") ? number(where, "offset", keys.at("offset")) : 0;
  std::error_code error;
  const std::uint64_t size = fs::file_size(file, error);
  if (error || offset > size) {
    throw UserError(where,
                    "begins at byte " + std::to_string(offset) + " of " + shown + ", which has " +
                        std::to_string(error ? 0 : size),
                    "offset and length lie inside the file");
  }
  const std::uint64_t length =
      keys.contains("length") ? number(where, "length", keys.at("length")) : size - offset;
  if (length != bytes) {
    throw UserError(where,
                    "has " + std::to_string(length) + " bytes in " + shown +
                        ", and its shape has " + std::to_string(bytes),
                    "data and shape must agree");
  }
  if (length > size - offset) {
    throw UserError(where,
                    "has " + std::to_string(length) + " bytes from byte " + std::to_string(offset) +
                        " of " + shown + " on, which has " + std::to_string(size),
                    "offset and length lie inside the file");
  }
  total_ += length;
  if (total_ > kMostBytes) {
    throw UserError(where, "and those before it have " + std::to_string(total_) + " bytes",
                    "at most 2^31 bytes of external data are supported");
  }
  std::string data(length, '\0');
  std::ifstream in(file, std::ios::binary);
  in.seekg(static_cast<std::streamoff>(offset));
  if (!in || !in.read(data.data(), static_cast<std::streamsize>(length))) {
    throw UserError(where, "has its data in " + shown + ", which cannot be read",
                    "give a file that can be read");
  }
  files_.insert(file);
  return data;
}

}  // namespace etude::onnxio
