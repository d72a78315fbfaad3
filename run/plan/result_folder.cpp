// SPDX-License-Identifier: Apache-2.0
#include "run/plan/result_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "models/base/error.h"
#include "models/base/system_error.h"
#include "run/plan/held_signals.h"
#include "sim/config/load.h"

namespace etude::run {
namespace fs = std::filesystem;

namespace {
constexpr const char* kAside = ".partial";
constexpr const char* kStep = "step.npz";  // a saved step while it is aside
// Of a run and of its page, in the order in which older ones are removed.
constexpr const char* kFiles[] = {"report.html",   "manifest.json", "result.json",
                                  "trace.pftrace", "outputs.npz",   "config.resolved.json"};

bool disk_is_full(int error) { return error == ENOSPC || error == EDQUOT || error == EIO; }

[[noreturn]] void fail(const fs::path& file, int error) {
  throw SystemError(file.string() + ": cannot be written: " + std::strerror(error));
}

/// Before anything was simulated: most often the user can name another folder.
[[noreturn]] void refuse(const fs::path& folder, const fs::path& where, int error) {
  if (disk_is_full(error)) {
    fail(where, error);
  }
  throw UserError("--out " + folder.string(),
                  where.string() + " cannot be written (" + std::strerror(error) + ")",
                  "give another folder");
}

void sync(int descriptor, const fs::path& file) {
  // EINVAL: the file system has nothing to wait for.
  if (fsync(descriptor) != 0 && errno != EINVAL && errno != EROFS) {
    fail(file, errno);
  }
}

bool is_saved_step(const fs::path& file) {
  const std::string stem = file.stem().string();
  return file.extension() == ".npz" && !stem.empty() &&
         std::ranges::all_of(stem, [](unsigned char c) { return std::isdigit(c) != 0; });
}

}  // namespace

ResultFolder::ResultFolder(fs::path folder) : folder_(std::move(folder)) {
  try {
    make_folders();
    claim();
  } catch (...) {
    leave();
    throw;
  }
}

ResultFolder::~ResultFolder() { leave(); }

void ResultFolder::leave() {
  std::error_code ignored;
  if (descriptor_ >= 0) {
    fs::remove_all(folder_ / kAside, ignored);
    close(descriptor_);
    descriptor_ = -1;
  }
  for (auto made = made_.rbegin(); made != made_.rend(); ++made) {
    if (rmdir(made->c_str()) != 0) {  // not empty
      break;
    }
  }
  made_.clear();
}

void ResultFolder::abandon() const noexcept {
  for (const std::string& path : aside_) {
    unlink(path.c_str());
  }
  if (!aside_.empty()) {
    rmdir(aside_.back().c_str());
  }
  for (auto made = made_.rbegin(); made != made_.rend(); ++made) {
    rmdir(made->c_str());
  }
}

void ResultFolder::make_folders() {
  std::error_code error;
  std::vector<fs::path> missing;
  fs::path there = fs::absolute(folder_).lexically_normal();
  for (; !fs::exists(there, error) && there.has_relative_path(); there = there.parent_path()) {
    if (there.has_filename()) {
      missing.push_back(there);
    }
  }
  if (!fs::is_directory(there, error)) {
    refuse(folder_, there, ENOTDIR);
  }
  for (auto path = missing.rbegin(); path != missing.rend(); ++path) {
    if (mkdir(path->c_str(), 0777) != 0 && errno != EEXIST) {
      refuse(folder_, *path, errno);
    }
    made_.push_back(*path);
  }
}

void ResultFolder::claim() {
  const int descriptor = open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) {
    refuse(folder_, folder_, errno);
  }
  if (flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    close(descriptor);
    throw UserError("--out " + folder_.string(), "another run is writing there",
                    "give another folder");
  }
  descriptor_ = descriptor;
  std::error_code error;
  fs::remove_all(folder_ / kAside, error);  // of a run that was killed
  if (mkdir((folder_ / kAside).c_str(), 0777) != 0) {
    refuse(folder_, folder_ / kAside, errno);
  }
  for (const char* name : kFiles) {
    if (fs::is_directory(folder_ / name, error)) {
      refuse(folder_, folder_ / name, EISDIR);
    }
    aside_.push_back((folder_ / kAside / name).string() + ".part");
  }
  aside_.push_back((folder_ / kAside / kStep).string() + ".part");
  aside_.push_back((folder_ / kAside).string());
  if (fs::exists(folder_ / "steps", error) && !fs::is_directory(folder_ / "steps", error)) {
    refuse(folder_, folder_ / "steps", ENOTDIR);
  }
}

void ResultFolder::write_aside(const std::string& name, const std::string& bytes) const {
  const fs::path file = folder_ / kAside / (name + ".part");
  const int descriptor = open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor < 0) {
    fail(file, errno);
  }
  int error = 0;
  for (std::size_t at = 0; at < bytes.size() && error == 0;) {
    const ssize_t written = write(descriptor, bytes.data() + at, bytes.size() - at);
    if (written < 0 && errno != EINTR) {
      error = errno;
    }
    at += written > 0 ? static_cast<std::size_t>(written) : 0;
  }
  if (error == 0 && fsync(descriptor) != 0 && errno != EINVAL && errno != EROFS) {
    error = errno;
  }
  if (close(descriptor) != 0 && error == 0) {
    error = errno;
  }
  if (error != 0) {
    fail(folder_ / name, error);
  }
}

void ResultFolder::take_name(const std::string& aside, const fs::path& name) const {
  if (std::rename((folder_ / kAside / (aside + ".part")).c_str(), (folder_ / name).c_str()) != 0) {
    fail(folder_ / name, errno);
  }
}

void ResultFolder::remove_older() {
  if (older_removed_) {
    return;
  }
  const auto remove = [](const fs::path& file) {
    if (unlink(file.c_str()) != 0 && errno != ENOENT) {
      fail(file, errno);
    }
  };
  for (const char* name : kFiles) {
    remove(folder_ / name);
  }
  std::error_code error;
  if (fs::is_directory(folder_ / "steps", error)) {
    for (const fs::directory_entry& entry : fs::directory_iterator(folder_ / "steps", error)) {
      if (is_saved_step(entry.path())) {
        remove(entry.path());
      }
    }
    rmdir((folder_ / "steps").c_str());  // stays if it holds something else
  }
  sync(descriptor_, folder_);
  older_removed_ = true;
}

void ResultFolder::save(unsigned number, const NpzArchive& parameters) {
  const std::string name = std::to_string(number) + ".npz";
  const std::string bytes = npz_bytes(parameters);
  write_aside(kStep, bytes);
  const HeldSignals wait;
  remove_older();
  if (mkdir((folder_ / "steps").c_str(), 0777) != 0 && errno != EEXIST) {
    fail(folder_ / "steps", errno);
  }
  take_name(kStep, fs::path("steps") / name);
  saved_.push_back(manifest_file("steps/" + name, bytes));
}

void ResultFolder::finish(const RootConfig& config, const std::vector<NamedBytes>& between,
                          const nlohmann::ordered_json& result) {
  std::vector<ManifestFile> files;
  const auto add = [&](const std::string& name, const std::string& bytes) {
    write_aside(name, bytes);
    files.push_back(manifest_file(name, bytes));
  };
  add("config.resolved.json", resolved_json(config));
  for (const NamedBytes& file : between) {
    add(file.name, file.bytes);
  }
  add("result.json", result.dump(1) + "\n");
  std::vector<ManifestFile> all = files;
  all.insert(all.end(), saved_.begin(), saved_.end());
  write_aside("manifest.json", manifest_text(config_hash(config), all));
  const HeldSignals wait;
  remove_older();
  for (const ManifestFile& file : files) {
    take_name(file.name, file.name);
  }
  sync(descriptor_, folder_);
  take_name("manifest.json", "manifest.json");
  sync(descriptor_, folder_);
  made_.clear();
}

}  // namespace etude::run
