// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "run/plan/lone_bench.h"

struct sqlite3;

namespace etude::run {

/// What single operations took, kept between runs: one SQLite file, that several processes may
/// write at once (a row is written once; equal rows are equal, whoever wrote them). A row counts
/// for the program's version, the cores' runtime, the hardware, and the operation's key.
class LoneDatabase {
 public:
  /// Opens the file, or makes it with the folders above it. Errors: UserError at `file` if it
  /// cannot be opened or is no database of this kind.
  explicit LoneDatabase(const std::filesystem::path& file);
  ~LoneDatabase();
  LoneDatabase(const LoneDatabase&) = delete;
  LoneDatabase& operator=(const LoneDatabase&) = delete;

  using Rows = std::map<std::string, LoneCosts>;
  /// Those of `keys` that are there.
  Rows find(const std::string& hardware, const std::vector<std::string>& keys);
  /// Adds rows, all or none. Rows that are there stay.
  void add(const std::string& hardware, const Rows& rows);
  /// Adds the rows of another database. Errors: UserError if that is none.
  void merge(const std::filesystem::path& other);
  /// Rows of all programs and all hardware.
  std::size_t size();

 private:
  void execute(const std::string& sql);

  std::filesystem::path file_;
  std::unique_ptr<sqlite3, int (*)(sqlite3*)> database_;
  std::string program_;  ///< version and content of what runs
};

/// $ETUDE_MODEL_DATABASE, else etude/model.sqlite in $XDG_CACHE_HOME, else in ~/.cache. Errors:
/// UserError where there is no home.
std::filesystem::path lone_database_file();

}  // namespace etude::run
