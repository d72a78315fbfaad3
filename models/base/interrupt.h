// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>
#include <stdexcept>

namespace etude {

/// Long work was asked to end before it was done: there is no result.
class Interrupted : public std::runtime_error {
 public:
  Interrupted() : std::runtime_error("interrupted") {}
};

/// As long as it lives, long work of the thread that made it ends when `asked` says so. Without one
/// (the command line, where a signal ends the process) work goes on to its end.
class InterruptSource {
 public:
  /// `asked` is called now and then, also from threads that work for this one; never twice at once.
  explicit InterruptSource(std::function<bool()> asked);
  ~InterruptSource();
  InterruptSource(const InterruptSource&) = delete;
  InterruptSource& operator=(const InterruptSource&) = delete;

  /// That of the calling thread, or null.
  static InterruptSource* current();
  /// Whether the work is to end. Once true, always true.
  bool asked();

 private:
  std::function<bool()> asked_;
  std::atomic<bool> end_{false};
  InterruptSource* before_;
};

/// Throws Interrupted where the calling thread's work is to end.
void interrupt_point();

}  // namespace etude
