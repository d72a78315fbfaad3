// SPDX-License-Identifier: Apache-2.0
#include "models/base/interrupt.h"

#include <utility>

namespace etude {
namespace {
thread_local InterruptSource* innermost = nullptr;
}

InterruptSource::InterruptSource(std::function<bool()> asked)
    : asked_(std::move(asked)), before_(std::exchange(innermost, this)) {}

InterruptSource::~InterruptSource() { innermost = before_; }

InterruptSource* InterruptSource::current() { return innermost; }

bool InterruptSource::asked() {
  if (!end_ && asked_()) {
    end_ = true;
  }
  return end_;
}

void interrupt_point() {
  if (innermost != nullptr && innermost->asked()) {
    throw Interrupted();
  }
}

}  // namespace etude
