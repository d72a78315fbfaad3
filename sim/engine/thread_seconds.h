// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ctime>

namespace etude {

/// Seconds that this host thread has worked: what other programs take on a shared machine is not
/// counted.
inline double thread_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

/// Adds what this host thread works during its life to a sum.
class Outside {
 public:
  explicit Outside(double& sum) : sum_(sum), begin_(thread_seconds()) {}
  ~Outside() { sum_ += thread_seconds() - begin_; }
  Outside(const Outside&) = delete;
  Outside& operator=(const Outside&) = delete;

 private:
  double& sum_;
  double begin_;
};

}  // namespace etude
