// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace etude {

/// Takes the bytes that a debugger sends apart: the framing of GDB's remote serial protocol (manual
/// of GDB, appendix E.1). A packet is `$`, contents, `#` and two hexadecimal digits of their sum;
/// `}` escapes one byte.
class PacketReader {
 public:
  static constexpr std::size_t kLongest = 1u << 16;  ///< contents; longer ones are damaged

  enum class Kind : std::uint8_t {
    kPacket,     ///< `text` is its contents, unescaped
    kInterrupt,  ///< Ctrl-C
    kAgain,      ///< the last answer did not arrive whole
    kDamaged,    ///< `text` says what is wrong
  };
  struct Event {
    Kind kind;
    std::string text;
  };

  void feed(std::string_view bytes);
  bool empty() const { return events_.empty(); }
  /// The oldest event; there is one.
  Event take();

 private:
  enum class State : std::uint8_t { kOutside, kContents, kEscaped, kFirstDigit, kSecondDigit };

  void put(unsigned char byte);
  void add(unsigned char byte);
  void finish(unsigned char digit);

  State state_{State::kOutside};
  std::string text_;
  std::uint8_t sum_{0};
  unsigned char digit_{0};
  bool too_long_{false};
  bool noise_{false};  ///< bytes outside of packets were told of
  std::deque<Event> events_;
};

/// `contents` as a packet.
std::string framed(std::string_view contents);

/// Hexadecimal numbers as the protocol writes them, most significant digit first.
class HexText {
 public:
  explicit HexText(std::string_view text) : text_(text) {}
  /// Reads a number of at most 16 digits; false if there is none.
  bool number(std::uint64_t& value);
  /// Reads `literal`; false if it is not there.
  bool skip(std::string_view literal);
  bool at_end() const { return text_.empty(); }
  std::string_view rest() const { return text_; }

 private:
  std::string_view text_;
};

/// Two digits a byte.
std::string to_hex(std::string_view bytes);
/// False if `hex` is no such text.
bool from_hex(std::string_view hex, std::string& bytes);
/// A number without leading zeroes.
std::string hex_number(std::uint64_t value);

}  // namespace etude
