// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace etude::run {

/// Work that is done beside the simulation: by one other thread, in the order in which it was
/// posted, so that what comes of it does not depend on the machine. Work and its arguments must
/// touch nothing that the poster uses before finish().
class WorkQueue {
 public:
  /// Bytes that posted work may hold at once: then post() waits.
  explicit WorkQueue(std::size_t most_bytes = std::size_t{64} << 20);
  /// Drops what is not begun yet.
  ~WorkQueue();
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;

  /// `bytes`: what the work holds until it is done.
  void post(std::function<void()> work, std::size_t bytes = 0);
  /// Returns when all that was posted is done. Throws what a piece of work threw; the work behind
  /// that one was dropped.
  void finish();

 private:
  struct Piece {
    std::function<void()> work;
    std::size_t bytes;
  };
  void serve();

  const std::size_t most_bytes_;
  std::mutex mutex_;
  std::condition_variable posted_, done_;
  std::deque<Piece> pieces_;
  std::size_t bytes_{0};  ///< of pieces that are not done
  bool working_{false};
  bool closing_{false};
  std::exception_ptr failure_;
  std::thread thread_;
};

}  // namespace etude::run
