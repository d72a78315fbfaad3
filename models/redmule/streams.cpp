// SPDX-License-Identifier: Apache-2.0
#include "models/redmule/streams.h"

namespace etude {

bool RedmuleLoadStream::move(bool start, std::uint64_t length, bool pop, bool granted) {
  const Phase phase_before = phase_;
  const bool buffer_ready = buffered_ < kDepth;
  const bool to_buffer = responses_ > 0 && buffer_ready;
  const bool to_request =
      phase_ != Phase::kIdle && addresses_ > 0 && buffer_ready && requests_ < kDepth;
  const bool address_ready = addresses_ < 2;
  const bool to_address = address_valid_ && address_ready;
  const bool advance = phase_ != Phase::kIdle || start;
  bool ended = false, generated = false;
  switch (phase_) {
    case Phase::kIdle:
      phase_ = start ? Phase::kWorking : Phase::kIdle;
      break;
    case Phase::kWorking:
      if (address_ready && generated_ >= length) {
        phase_ = Phase::kDraining;
      }
      break;
    case Phase::kDraining:
      ended = addresses_ == 0 && transferred_ == length;
      break;
  }
  if (ended) {
    phase_ = Phase::kIdle;
    generated_ = 0;
    transferred_ = 0;
    address_valid_ = false;
  } else {
    if (advance && address_ready) {
      generated = generated_ < length;
      address_valid_ = generated;
      generated_ += generated;
    }
    transferred_ += to_buffer;
  }
  const bool response_ready = responses_ < kDepth;
  const bool arriving = response_ || held_;
  const bool arrived = arriving && response_ready;
  held_ = arriving && !response_ready;
  addresses_ = static_cast<std::uint8_t>(addresses_ + to_address - to_request);
  requests_ = static_cast<std::uint8_t>(requests_ + to_request - granted);
  responses_ = static_cast<std::uint8_t>(responses_ + arrived - to_buffer);
  buffered_ = static_cast<std::uint8_t>(buffered_ + to_buffer - pop);
  settled_ = !(to_buffer || to_request || to_address || arrived || response_ || generated || pop ||
               granted || phase_ != phase_before);
  response_ = granted;
  return ended;
}

void RedmuleStoreStream::move(bool start, std::uint64_t length, bool push, bool granted) {
  const Phase phase_before = phase_;
  const bool done_before = done_;
  const bool accept =
      phase_ != Phase::kIdle && buffered_ > 0 && addresses_ > 0 && requests_ < kDepth;
  const bool address_ready = addresses_ < 2;
  const bool to_address = address_valid_ && address_ready;
  const bool advance = phase_ != Phase::kIdle || start;
  bool ended = false, generated = false;
  switch (phase_) {
    case Phase::kIdle:
      phase_ = start ? Phase::kWorking : Phase::kIdle;
      break;
    case Phase::kWorking:
      if (address_ready && generated_ >= length) {
        phase_ = Phase::kDraining;
      }
      break;
    case Phase::kDraining:
      ended = accepted_ == length;
      break;
  }
  if (ended) {
    phase_ = Phase::kIdle;
    generated_ = 0;
    accepted_ = 0;
    address_valid_ = false;
  } else {
    if (advance && address_ready) {
      generated = generated_ < length;
      address_valid_ = generated;
      generated_ += generated;
    }
    accepted_ += accept;
  }
  addresses_ = static_cast<std::uint8_t>(addresses_ + to_address - accept);
  buffered_ = static_cast<std::uint8_t>(buffered_ + push - accept);
  requests_ = static_cast<std::uint8_t>(requests_ + accept - granted);
  done_ = ended;
  settled_ = !(accept || to_address || generated || push || granted || ended || done_before ||
               phase_ != phase_before);
}

}  // namespace etude
