// SPDX-License-Identifier: Apache-2.0
#include "run/execute/data_arrows.h"

#include <map>
#include <set>

namespace etude::run {
namespace {

/// Who wrote each byte last.
class Writers {
 public:
  /// Calls `found` with the writer of each stretch of [begin, end).
  template <class Found>
  void read(std::uint32_t begin, std::uint32_t end, const Found& found) const {
    auto it = writer_.upper_bound(begin);
    if (it != writer_.begin()) {
      --it;
    }
    for (; it != writer_.end() && it->first < end; ++it) {
      if (it->second.end > begin) {
        found(it->second.op);
      }
    }
  }

  void write(std::uint32_t begin, std::uint32_t end, std::uint32_t op) {
    split(begin);
    split(end);
    writer_.erase(writer_.lower_bound(begin), writer_.lower_bound(end));
    writer_[begin] = {end, op};
  }

 private:
  struct Stretch {
    std::uint32_t end;
    std::uint32_t op;
  };

  /// No stretch goes over `at` then.
  void split(std::uint32_t at) {
    auto it = writer_.lower_bound(at);
    if (it == writer_.begin()) {
      return;
    }
    --it;
    if (it->second.end > at) {
      writer_[at] = it->second;
      it->second.end = at;
    }
  }

  std::map<std::uint32_t, Stretch> writer_;  ///< by the first address of a stretch
};

template <class Each>
void for_rows(const Access& access, const Each& each) {
  const bool dense = access.rows == 1 || access.pitch == access.row_bytes;
  for (std::uint32_t row = 0; row < (dense ? 1 : access.rows); ++row) {
    const std::uint32_t begin = access.address + row * access.pitch;
    each(begin, dense ? access.end() : begin + access.row_bytes);
  }
}

}  // namespace

std::vector<DataArrow> data_arrows(const std::vector<Operation>& operations) {
  std::vector<DataArrow> arrows;
  std::set<std::pair<std::uint32_t, TaskUnit>> drawn;
  Writers writers;
  for (std::uint32_t op = 0; op < operations.size(); ++op) {
    const Operation& operation = operations[op];
    if (!operation.posted()) {
      continue;
    }
    const TaskUnit unit = operation.unit();
    for (const Access& access : operation.accesses) {
      if (!access.write) {
        for_rows(access, [&](std::uint32_t begin, std::uint32_t end) {
          writers.read(begin, end, [&](std::uint32_t from) {
            if (operations[from].unit() != unit && drawn.emplace(from, unit).second) {
              arrows.push_back({from, op});
            }
          });
        });
      }
    }
    for (const Access& access : operation.accesses) {
      if (access.write) {
        for_rows(access,
                 [&](std::uint32_t begin, std::uint32_t end) { writers.write(begin, end, op); });
      }
    }
  }
  return arrows;
}

}  // namespace etude::run
