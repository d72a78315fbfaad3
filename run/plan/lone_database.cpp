// SPDX-License-Identifier: Apache-2.0
#include "run/plan/lone_database.h"

#include <sqlite3.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "models/base/error.h"
#include "run/plan/runtime_file.h"
#include "sim/config/json_file.h"

namespace etude::run {
namespace fs = std::filesystem;
namespace {
using Json = nlohmann::json;

constexpr int kWaitMs = 120000;  ///< for other writers
/// Of the table and of how operations are measured: a change of either makes other rows.
constexpr const char* kKind = "lone operations 4";

class Statement {
 public:
  Statement(sqlite3* database, const char* sql) {
    if (sqlite3_prepare_v2(database, sql, -1, &statement_, nullptr) != SQLITE_OK) {
      throw std::string(sqlite3_errmsg(database));
    }
  }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  void bind(int place, const std::string& text) {
    sqlite3_bind_text(statement_, place, text.data(), static_cast<int>(text.size()),
                      SQLITE_TRANSIENT);
  }
  /// Whether there is a row.
  bool step() {
    const int status = sqlite3_step(statement_);
    if (status != SQLITE_ROW && status != SQLITE_DONE) {
      throw std::string(sqlite3_errmsg(sqlite3_db_handle(statement_)));
    }
    return status == SQLITE_ROW;
  }
  void again() { sqlite3_reset(statement_); }
  std::string text(int column) const {
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    return bytes == nullptr ? std::string() : std::string(bytes);
  }
  std::int64_t number(int column) const { return sqlite3_column_int64(statement_, column); }

 private:
  sqlite3_stmt* statement_ = nullptr;
};

std::string to_text(const LoneCosts& costs) {
  return Json{costs.alone,  costs.cold,          costs.behind,     costs.counters,
              costs.stalls, costs.cold_counters, costs.cold_stalls}
      .dump();
}

LoneCosts costs_of(const std::string& text) {
  using Counts = std::map<std::string, std::uint64_t>;
  const Json json = Json::parse(text);
  return {json.at(0).get<double>(), json.at(1).get<double>(), json.at(2).get<double>(),
          json.at(3).get<Counts>(), json.at(4).get<Counts>(), json.at(5).get<Counts>(),
          json.at(6).get<Counts>()};
}

[[noreturn]] void refuse(const fs::path& file, const std::string& why) {
  throw UserError(file.string(), "the database of the model tier cannot be used: " + why,
                  "name another file in ETUDE_MODEL_DATABASE");
}

/// Runs work on a database; what fails in it is told with the file's name.
template <class Work>
auto guarded(const fs::path& file, const Work& work) {
  try {
    return work();
  } catch (const std::string& why) {
    refuse(file, why);
  } catch (const nlohmann::json::exception&) {
    refuse(file, "a row is damaged");
  }
}

}  // namespace

LoneDatabase::LoneDatabase(const fs::path& file)
    : file_(file),
      database_(nullptr, sqlite3_close),
      program_(std::string(ETUDE_VERSION) + " " +
               file_content_hash(runtime_file().string(), "runtime.elf")) {
  std::error_code ignored;
  if (file.has_parent_path()) {
    fs::create_directories(file.parent_path(), ignored);
  }
  sqlite3* opened = nullptr;
  const int status = sqlite3_open(file.c_str(), &opened);
  database_.reset(opened);
  if (status != SQLITE_OK) {
    refuse(file, opened == nullptr ? "no memory" : sqlite3_errmsg(opened));
  }
  sqlite3_busy_timeout(opened, kWaitMs);
  execute(
      "CREATE TABLE IF NOT EXISTS operations(kind TEXT, program TEXT, hardware TEXT, "
      "operation TEXT, costs TEXT, PRIMARY KEY(kind, program, hardware, operation)) "
      "WITHOUT ROWID");
}

LoneDatabase::~LoneDatabase() = default;

void LoneDatabase::execute(const std::string& sql) {
  guarded(file_, [&] {
    if (sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
      throw std::string(sqlite3_errmsg(database_.get()));
    }
  });
}

LoneDatabase::Rows LoneDatabase::find(const std::string& hardware,
                                      const std::vector<std::string>& keys) {
  return guarded(file_, [&] {
    Rows rows;
    Statement select(database_.get(),
                     "SELECT costs FROM operations WHERE kind=? AND program=? AND hardware=? AND "
                     "operation=?");
    select.bind(1, kKind);
    select.bind(2, program_);
    select.bind(3, hardware);
    for (const std::string& key : keys) {
      select.bind(4, key);
      if (select.step()) {
        rows.emplace(key, costs_of(select.text(0)));
      }
      select.again();
    }
    return rows;
  });
}

void LoneDatabase::add(const std::string& hardware, const Rows& rows) {
  execute("BEGIN IMMEDIATE");
  try {
    guarded(file_, [&] {
      Statement insert(database_.get(), "INSERT OR IGNORE INTO operations VALUES(?,?,?,?,?)");
      insert.bind(1, kKind);
      insert.bind(2, program_);
      insert.bind(3, hardware);
      for (const auto& [key, costs] : rows) {
        insert.bind(4, key);
        insert.bind(5, to_text(costs));
        insert.step();
        insert.again();
      }
    });
    execute("COMMIT");
  } catch (...) {
    sqlite3_exec(database_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
    throw;
  }
}

void LoneDatabase::merge(const fs::path& other) {
  if (!fs::exists(other)) {
    refuse(other, "it is not there");
  }
  guarded(other, [&] {
    Statement attach(database_.get(), "ATTACH ? AS other");
    attach.bind(1, other.string());
    attach.step();
  });
  try {
    guarded(other, [&] {
      Statement copy(database_.get(),
                     "INSERT OR IGNORE INTO main.operations SELECT * FROM other.operations");
      copy.step();
    });
  } catch (...) {
    sqlite3_exec(database_.get(), "DETACH other", nullptr, nullptr, nullptr);
    throw;
  }
  execute("DETACH other");
}

std::size_t LoneDatabase::size() {
  return guarded(file_, [&] {
    Statement count(database_.get(), "SELECT count(*) FROM operations");
    count.step();
    return static_cast<std::size_t>(count.number(0));
  });
}

fs::path lone_database_file() {
  const auto set = [](const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string() : std::string(value);
  };
  if (const std::string named = set("ETUDE_MODEL_DATABASE"); !named.empty()) {
    return named;
  }
  if (const std::string cache = set("XDG_CACHE_HOME"); !cache.empty()) {
    return fs::path(cache) / "etude" / "model.sqlite";
  }
  if (const std::string home = set("HOME"); !home.empty()) {
    return fs::path(home) / ".cache" / "etude" / "model.sqlite";
  }
  throw UserError("HOME", "there is no place for the database of the model tier",
                  "name a file in ETUDE_MODEL_DATABASE");
}

}  // namespace etude::run
