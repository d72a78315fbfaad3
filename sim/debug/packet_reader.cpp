// SPDX-License-Identifier: Apache-2.0
#include "sim/debug/packet_reader.h"

#include <cstdio>
#include <numeric>
#include <utility>

namespace etude {
namespace {

constexpr unsigned char kCtrlC = 3;

int digit_of(unsigned char c) {
  return c >= '0' && c <= '9'   ? c - '0'
         : c >= 'a' && c <= 'f' ? c - 'a' + 10
         : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                : -1;
}

std::uint8_t sum_of(std::string_view text) {
  return std::accumulate(text.begin(), text.end(), std::uint8_t{0}, [](std::uint8_t sum, char c) {
    return static_cast<std::uint8_t>(sum + static_cast<unsigned char>(c));
  });
}

}  // namespace

void PacketReader::feed(std::string_view bytes) {
  for (const char byte : bytes) {
    put(static_cast<unsigned char>(byte));
  }
}

PacketReader::Event PacketReader::take() {
  Event event = std::move(events_.front());
  events_.pop_front();
  return event;
}

void PacketReader::put(unsigned char byte) {
  switch (state_) {
    case State::kOutside:
      if (byte == '$') {
        state_ = State::kContents;
        text_.clear();
        sum_ = 0;
        too_long_ = noise_ = false;
      } else if (byte == kCtrlC) {
        events_.push_back({Kind::kInterrupt, {}});
      } else if (byte == '-') {
        events_.push_back({Kind::kAgain, {}});
      } else if (byte != '+' && !std::exchange(noise_, true)) {
        events_.push_back({Kind::kDamaged, "bytes outside of a packet"});
      }
      break;
    case State::kContents:
      if (byte == '#') {
        state_ = State::kFirstDigit;
      } else if (byte == '$') {  // another one begins: the end of this one is lost
        events_.push_back({Kind::kDamaged, "a packet without an end"});
        text_.clear();
        sum_ = 0;
        too_long_ = false;
      } else {
        sum_ = static_cast<std::uint8_t>(sum_ + byte);
        if (byte == '}') {
          state_ = State::kEscaped;
        } else {
          add(byte);
        }
      }
      break;
    case State::kEscaped:
      sum_ = static_cast<std::uint8_t>(sum_ + byte);
      add(byte ^ 0x20u);
      state_ = State::kContents;
      break;
    case State::kFirstDigit:
      digit_ = byte;
      state_ = State::kSecondDigit;
      break;
    case State::kSecondDigit:
      finish(byte);
      state_ = State::kOutside;
      break;
  }
}

void PacketReader::add(unsigned char byte) {
  if (text_.size() == kLongest) {
    too_long_ = true;
  } else {
    text_ += static_cast<char>(byte);
  }
}

void PacketReader::finish(unsigned char digit) {
  if (digit_of(digit_) < 0 || digit_of(digit) < 0 ||
      digit_of(digit_) * 16 + digit_of(digit) != sum_) {
    events_.push_back({Kind::kDamaged, "a packet with a wrong checksum"});
  } else if (too_long_) {
    events_.push_back({Kind::kDamaged, "a packet of more than 65536 bytes"});
  } else {
    events_.push_back({Kind::kPacket, std::move(text_)});
    text_.clear();
  }
}

std::string framed(std::string_view contents) {
  std::string text = "$";
  for (const char c : contents) {
    if (c == '$' || c == '#' || c == '}' || c == '*') {
      text += '}';
      text += static_cast<char>(c ^ 0x20);
    } else {
      text += c;
    }
  }
  char sum[8];
  std::snprintf(sum, sizeof sum, "#%02x", sum_of(std::string_view(text).substr(1)));
  return text + sum;
}

bool HexText::number(std::uint64_t& value) {
  std::size_t digits = 0;
  value = 0;
  while (digits < text_.size() && digits <= 16 &&
         digit_of(static_cast<unsigned char>(text_[digits])) >= 0) {
    value = value << 4 |
            static_cast<std::uint64_t>(digit_of(static_cast<unsigned char>(text_[digits])));
    ++digits;
  }
  text_.remove_prefix(digits);
  return digits != 0 && digits <= 16;
}

bool HexText::skip(std::string_view literal) {
  if (!text_.starts_with(literal)) {
    return false;
  }
  text_.remove_prefix(literal.size());
  return true;
}

std::string to_hex(std::string_view bytes) {
  std::string text;
  text.reserve(2 * bytes.size());
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

bool from_hex(std::string_view hex, std::string& bytes) {
  bytes.clear();
  if (hex.size() % 2 != 0) {
    return false;
  }
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    const int high = digit_of(static_cast<unsigned char>(hex[i]));
    const int low = digit_of(static_cast<unsigned char>(hex[i + 1]));
    if (high < 0 || low < 0) {
      return false;
    }
    bytes += static_cast<char>(high * 16 + low);
  }
  return true;
}

std::string hex_number(std::uint64_t value) {
  char text[24];
  std::snprintf(text, sizeof text, "%llx", static_cast<unsigned long long>(value));
  return text;
}

}  // namespace etude
