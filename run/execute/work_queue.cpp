// SPDX-License-Identifier: Apache-2.0
#include "run/execute/work_queue.h"

#include <utility>

namespace etude::run {

WorkQueue::WorkQueue(std::size_t most_bytes)
    : most_bytes_(most_bytes), thread_([this] { serve(); }) {}

WorkQueue::~WorkQueue() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    pieces_.clear();
  }
  posted_.notify_one();
  thread_.join();
}

void WorkQueue::post(std::function<void()> work, std::size_t bytes) {
  std::unique_lock lock(mutex_);
  // One piece alone may hold more than there may be.
  done_.wait(lock, [&] { return bytes_ == 0 || bytes_ + bytes <= most_bytes_ || failure_; });
  if (failure_) {
    return;  // finish() tells
  }
  pieces_.push_back({std::move(work), bytes});
  bytes_ += bytes;
  lock.unlock();
  posted_.notify_one();
}

void WorkQueue::finish() {
  std::unique_lock lock(mutex_);
  done_.wait(lock, [&] { return (pieces_.empty() && !working_) || failure_; });
  if (failure_) {
    std::rethrow_exception(failure_);
  }
}

void WorkQueue::serve() {
  std::unique_lock lock(mutex_);
  for (;;) {
    posted_.wait(lock, [&] { return closing_ || !pieces_.empty(); });
    if (closing_) {
      return;
    }
    Piece piece = std::move(pieces_.front());
    pieces_.pop_front();
    working_ = true;
    lock.unlock();
    std::exception_ptr failure;
    try {
      piece.work();
    } catch (...) {
      failure = std::current_exception();
    }
    piece.work = nullptr;  // lets go of what it holds
    lock.lock();
    working_ = false;
    bytes_ -= piece.bytes;
    if (failure) {
      failure_ = failure;
      pieces_.clear();
      bytes_ = 0;
    }
    done_.notify_all();
  }
}

}  // namespace etude::run
