// SPDX-License-Identifier: Apache-2.0
#include "sim/config/json_file.h"

#include <openssl/sha.h>
#include <sys/stat.h>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <map>
#include <mutex>
#include <set>
#include <sstream>
#include <tuple>

#include "models/base/error.h"
#include "sim/config/program_data.h"

namespace etude {
namespace {
namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

/// Hashes of files that stand as they stood when they were read: a sweep asks for the same few
/// again and again.
class KnownHashes {
 public:
  std::string of(const std::string& file, const std::string& where) {
    struct stat status{};
    if (stat(file.c_str(), &status) != 0) {
      return content_hash(read_whole_file(file, where));
    }
    const Stamp stamp{status.st_dev, status.st_ino, status.st_size, status.st_mtim.tv_sec,
                      status.st_mtim.tv_nsec};
    {
      const std::lock_guard<std::mutex> locked(mutex_);
      if (const auto known = known_.find(stamp); known != known_.end()) {
        return known->second;
      }
    }
    std::string hash = content_hash(read_whole_file(file, where));
    // What was written just now could be written again without another stamp.
    if (status.st_mtim.tv_sec + kSettled_s < std::time(nullptr)) {
      const std::lock_guard<std::mutex> locked(mutex_);
      known_.emplace(stamp, hash);
    }
    return hash;
  }

 private:
  static constexpr std::time_t kSettled_s = 2;
  using Stamp = std::tuple<dev_t, ino_t, off_t, std::time_t, long>;
  std::mutex mutex_;
  std::map<Stamp, std::string> known_;
};

KnownHashes& known_hashes() {
  static KnownHashes known;
  return known;
}

/// `name` below the nearest folder configs/ at or above `from`.
std::optional<fs::path> below_configs(const fs::path& from, const std::string& name) {
  for (fs::path folder = from;; folder = folder.parent_path()) {
    if (is_file(folder / "configs" / name)) {
      return folder / "configs" / name;
    }
    if (!folder.has_relative_path()) {
      return std::nullopt;
    }
  }
}

/// "line 3, column 5" of the byte before offset `byte` (1-based, as the parser counts).
std::string line_and_column(const std::string& text, std::size_t byte) {
  const std::size_t at = std::min(text.size(), byte == 0 ? 0 : byte - 1);
  const std::string before = text.substr(0, at);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::size_t newline = before.rfind('\n');
  const std::size_t column = newline == std::string::npos ? at + 1 : at - newline;
  return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

/// The parser's own words, without its error number, place and dump of the last token.
std::string parser_words(const std::string& what) {
  const std::size_t place = what.find("column ");
  const std::string mark = place == std::string::npos ? "] " : ": ";
  const std::size_t colon = what.find(mark, place == std::string::npos ? 0 : place);
  std::string words = colon == std::string::npos ? what : what.substr(colon + 2);
  words = words.substr(0, words.find("; last read"));
  std::replace_if(words.begin(), words.end(), [](unsigned char c) { return c < 32; }, ' ');
  return words;
}
}  // namespace

std::optional<fs::path> find_file(const std::string& name, const fs::path& named_in) {
  if (name.empty()) {
    return std::nullopt;
  }
  if (is_file(name)) {
    return fs::path(name);
  }
  if (fs::path(name).is_absolute()) {
    return std::nullopt;
  }
  if (!named_in.empty() && is_file(named_in.parent_path() / name)) {
    return named_in.parent_path() / name;
  }
  std::error_code ignored;
  if (auto found = below_configs(fs::current_path(ignored), name)) {
    return found;
  }
  if (auto found = below_configs(program_folder(), name)) {
    return found;
  }
  const fs::path installed = program_data("configs/" + name);
  return is_file(installed) ? std::optional(installed) : std::nullopt;
}

std::string read_whole_file(const fs::path& file, const std::string& where) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  if (!is_file(file) || !in ||
      !(text << in.rdbuf() || in.peek() == std::ifstream::traits_type::eof())) {
    throw UserError(where, "cannot read " + file.string(), "give an existing, readable file");
  }
  return text.str();
}

Json read_json_file(const fs::path& file) {
  const std::string text = read_whole_file(file, file.string());
  std::vector<std::set<std::string>> open;
  std::string twice;
  const auto watch = [&](int, Json::parse_event_t event, Json& value) {
    if (event == Json::parse_event_t::object_start) {
      open.emplace_back();
    } else if (event == Json::parse_event_t::object_end) {
      open.pop_back();
    } else if (event == Json::parse_event_t::key &&
               !open.back().insert(value.get<std::string>()).second && twice.empty()) {
      twice = value.get<std::string>();
    }
    return true;
  };
  Json parsed;
  try {
    parsed = Json::parse(text, watch);
  } catch (const nlohmann::json::parse_error& e) {
    throw UserError(file.string() + ": " + line_and_column(text, e.byte), parser_words(e.what()),
                    "give well-formed JSON");
  } catch (const nlohmann::json::exception& e) {  // a number that no double holds
    throw UserError(file.string(), parser_words(e.what()), "give well-formed JSON");
  }
  if (!twice.empty()) {
    throw UserError(file.string(), "key \"" + twice + "\" stands twice in one object",
                    "keep one of them");
  }
  return parsed;
}

std::string content_hash(const std::string& bytes) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest);
  std::string hex;
  for (const unsigned char byte : digest) {
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  return hex;
}

std::string file_content_hash(const std::string& file, const std::string& where) {
  return known_hashes().of(file, where);
}

}  // namespace etude
