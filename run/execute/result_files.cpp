// SPDX-License-Identifier: Apache-2.0
#include "run/execute/result_files.h"

#include <unistd.h>

#include <fstream>

#include "models/base/error.h"
#include "sim/config/load.h"

namespace etude::run {
namespace fs = std::filesystem;

namespace {

void write_text(const fs::path& file, const std::string& text) {
  std::ofstream out(file, std::ios::binary);
  if (!(out << text) || !out.flush()) {
    throw UserError(file.string(), "cannot be written", "give --out a folder that can");
  }
}

}  // namespace

void check_folder(const fs::path& folder) {
  std::error_code error;
  fs::path there = fs::absolute(folder);
  while (!fs::exists(there, error) && there.has_relative_path()) {
    there = there.parent_path();
  }
  if (!fs::is_directory(there, error) || access(there.c_str(), W_OK) != 0) {
    throw UserError("--out " + folder.string(),
                    there.string() + " is no folder that can be written", "give another folder");
  }
}

void write_results(const fs::path& folder, const RootConfig& config, const Result& result) {
  std::error_code error;
  fs::create_directories(folder, error);
  write_text(folder / "config.resolved.json", resolved_json(config));
  write_npz(folder / "outputs.npz", result.outputs);
  if (!result.saved.empty()) {
    fs::create_directories(folder / "steps", error);
  }
  for (const auto& [steps, archive] : result.saved) {
    write_npz(folder / "steps" / (std::to_string(steps) + ".npz"), archive);
  }
  write_text(folder / "result.json", result.json.dump(1) + "\n");
  if (result.timeline) {
    write_perfetto_trace(*result.timeline, folder / "trace.pftrace");
  }
}

}  // namespace etude::run
