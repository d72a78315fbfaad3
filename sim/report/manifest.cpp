// SPDX-License-Identifier: Apache-2.0
#include "sim/report/manifest.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "models/base/error.h"
#include "sim/config/json_file.h"

namespace etude {
namespace {
namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kAgain = "run the configuration again";

std::vector<ManifestFile> read_manifest(const fs::path& file, std::string& configuration) {
  std::vector<ManifestFile> files;
  const Json manifest = read_json_file(file);
  try {
    configuration = manifest.at("configuration").get<std::string>();
    for (const Json& entry : manifest.at("files")) {
      files.push_back({entry.at("name").get<std::string>(), entry.at("bytes").get<std::uint64_t>(),
                       entry.at("sha256").get<std::string>()});
    }
  } catch (const nlohmann::json::exception&) {
    throw UserError(file.string(), "not a manifest of this version", kAgain);
  }
  return files;
}

void check_configuration(const fs::path& folder, const std::string& configuration) {
  const Json result = read_json_file(folder / "result.json");
  const bool fits = result.is_object() && result.contains("config_hash") &&
                    result.at("config_hash") == configuration &&
                    file_content_hash((folder / "config.resolved.json").string(),
                                      folder.string()) == configuration;
  if (!fits) {
    throw UserError((folder / "result.json").string(),
                    "is not the result of the configuration beside it", kAgain);
  }
}
}  // namespace

ManifestFile manifest_file(std::string name, const std::string& bytes) {
  return {std::move(name), bytes.size(), content_hash(bytes)};
}

std::string manifest_text(const std::string& configuration,
                          const std::vector<ManifestFile>& files) {
  Json list = Json::array();
  for (const ManifestFile& file : files) {
    list.push_back({{"name", file.name}, {"bytes", file.bytes}, {"sha256", file.sha256}});
  }
  return Json{{"schema", 1}, {"configuration", configuration}, {"files", list}}.dump(1) + "\n";
}

void check_manifest(const fs::path& folder) {
  const fs::path file = folder / "manifest.json";
  std::error_code ignored;
  if (!fs::exists(file, ignored)) {
    throw UserError(folder.string(), "no manifest.json in it: it holds no whole result",
                    "give the folder that etude-sim run wrote, or run again");
  }
  std::string configuration;
  const std::vector<ManifestFile> files = read_manifest(file, configuration);
  for (const char* wanted : {"result.json", "config.resolved.json"}) {
    if (std::ranges::none_of(files, [&](const auto& entry) { return entry.name == wanted; })) {
      throw UserError(file.string(), std::string("does not name ") + wanted, kAgain);
    }
  }
  for (const ManifestFile& entry : files) {
    const fs::path there = folder / entry.name;
    if (!fs::is_regular_file(there, ignored)) {
      throw UserError(there.string(), "is missing, and manifest.json names it", kAgain);
    }
    if (fs::file_size(there, ignored) != entry.bytes ||
        file_content_hash(there.string(), there.string()) != entry.sha256) {
      throw UserError(there.string(), "is not the file that the run wrote (manifest.json)", kAgain);
    }
  }
  check_configuration(folder, configuration);
}

}  // namespace etude
