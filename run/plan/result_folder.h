// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "sim/config/root_config.h"
#include "sim/report/manifest.h"
#include "workloads/npz/npz.h"

namespace etude::run {

/// A file of a run's results: outputs.npz or trace.pftrace.
struct NamedBytes {
  std::string name, bytes;
};

/// The folder of a run's results: whole or absent, whenever the process ends. Files are written
/// aside (in `.partial` of the folder, on the disk before they are renamed), then what an older run
/// left is removed, manifest first, then the new ones take their names, result.json last but one
/// and manifest.json last. Files of other names are left alone.
class ResultFolder {
 public:
  /// Makes the folder if need be and claims it until the object ends. Errors: UserError if it
  /// cannot be written or another run is writing there; SystemError if the disk is full.
  explicit ResultFolder(std::filesystem::path folder);
  /// Removes what is aside, and the folders that it made if they are empty.
  ~ResultFolder();
  ResultFolder(const ResultFolder&) = delete;
  ResultFolder& operator=(const ResultFolder&) = delete;

  /// For a signal handler before the process dies of the signal: removes what is aside and the
  /// empty folders that it made, with async-signal-safe calls only.
  void abandon() const noexcept;

  const std::filesystem::path& path() const { return folder_; }
  /// Writes steps/<number>.npz at once. The first one removes what an older run left.
  /// Errors: SystemError.
  void save(unsigned number, const NpzArchive& parameters);
  /// Writes everything else: config.resolved.json, the files of `between`, result.json,
  /// manifest.json. Errors: SystemError; an older result is then still there, unless save() has
  /// removed it.
  void finish(const RootConfig& config, const std::vector<NamedBytes>& between,
              const nlohmann::ordered_json& result);

 private:
  void make_folders();
  void claim();
  void leave();
  void write_aside(const std::string& name, const std::string& bytes) const;
  void take_name(const std::string& aside, const std::filesystem::path& name) const;
  void remove_older();

  std::filesystem::path folder_;
  std::vector<std::filesystem::path> made_;  ///< by this object, outermost first
  std::vector<std::string> aside_;           ///< every file that may be there, then its folder
  std::vector<ManifestFile> saved_;
  int descriptor_{-1};  ///< of the folder, locked
  bool older_removed_{false};
};

}  // namespace etude::run
