// SPDX-License-Identifier: Apache-2.0
// The framing of GDB's remote serial protocol: what is sent arrives, what is damaged is told.
#include <catch2/catch.hpp>
#include <random>

#include "sim/debug/packet_reader.h"
#include "sim/debug/stop_points.h"

using namespace etude;
using Kind = PacketReader::Kind;

namespace {

std::string random_bytes(std::mt19937& random, std::size_t most) {
  std::string bytes(random() % (most + 1), '\0');
  for (char& c : bytes) {
    // The four bytes that must be escaped come often.
    c = random() % 3 == 0 ? "$#}*"[random() % 4] : static_cast<char>(random());
  }
  return bytes;
}

}  // namespace

TEST_CASE("packets arrive whole however they are cut", "[debug]") {
  std::mt19937 random(1);
  for (int n = 0; n < 500; ++n) {
    std::vector<std::string> sent;
    std::string stream;
    for (unsigned i = 0; i < 1 + random() % 4; ++i) {
      sent.push_back(random_bytes(random, 60));
      stream += (random() % 2 != 0 ? "+" : "") + framed(sent.back());
    }
    PacketReader reader;
    for (std::size_t at = 0; at < stream.size();) {
      const std::size_t bytes = std::min<std::size_t>(1 + random() % 9, stream.size() - at);
      reader.feed(std::string_view(stream).substr(at, bytes));
      at += bytes;
    }
    for (const std::string& text : sent) {
      REQUIRE_FALSE(reader.empty());
      const PacketReader::Event event = reader.take();
      REQUIRE(event.kind == Kind::kPacket);
      REQUIRE(event.text == text);
    }
    REQUIRE(reader.empty());
  }
}

TEST_CASE("a known packet has the sum that GDB gives it", "[debug]") {
  CHECK(framed("OK") == "$OK#9a");  // 0x4f + 0x4b = 0x9a
  CHECK(framed("") == "$#00");
  CHECK(framed("}") == "$}]#da");  // 0x7d + 0x5d
}

TEST_CASE("random bytes give events, never more than bytes, and the next packet is read",
          "[debug]") {
  std::mt19937 random(2);
  for (int n = 0; n < 2000; ++n) {
    PacketReader reader;
    const std::string noise = random_bytes(random, 300);
    reader.feed(noise);
    std::size_t events = 0;
    for (; !reader.empty(); ++events) {
      reader.take();
    }
    CHECK(events <= noise.size());
    reader.feed("#00");  // ends whatever was begun
    reader.feed("zz");
    reader.feed(framed("g"));
    reader.feed(framed("g"));
    bool read = false;
    while (!reader.empty()) {
      const PacketReader::Event event = reader.take();
      read = event.kind == Kind::kPacket && event.text == "g";
    }
    REQUIRE(read);
  }
}

TEST_CASE("damage is told, and too long a packet is not kept", "[debug]") {
  const auto told = [](const std::string& bytes) {
    PacketReader reader;
    reader.feed(bytes);
    return reader.empty() ? Kind::kPacket : reader.take().kind;
  };
  CHECK(told("$g#00") == Kind::kDamaged);
  CHECK(told("$g#xx") == Kind::kDamaged);
  CHECK(told("noise") == Kind::kDamaged);
  CHECK(told("$a$") == Kind::kDamaged);
  CHECK(told(framed(std::string(PacketReader::kLongest + 1, 'm'))) == Kind::kDamaged);
  CHECK(told(framed(std::string(PacketReader::kLongest, 'm'))) == Kind::kPacket);
  CHECK(told("\x03") == Kind::kInterrupt);
  CHECK(told("-") == Kind::kAgain);
}

TEST_CASE("hexadecimal numbers have at most sixteen digits", "[debug]") {
  std::uint64_t value = 0;
  HexText text("1c008080,4:ff");
  CHECK(text.number(value));
  CHECK(value == 0x1c008080);
  CHECK((text.skip(",") && text.number(value) && value == 4 && text.skip(":")));
  CHECK(text.rest() == "ff");
  CHECK_FALSE(HexText("").number(value));
  CHECK_FALSE(HexText("g").number(value));
  CHECK(HexText("ffffffffffffffff").number(value));
  CHECK_FALSE(HexText("1ffffffffffffffff").number(value));
  std::string bytes;
  CHECK((from_hex("00fF7d", bytes) && bytes == std::string("\0\xff}", 3)));
  CHECK_FALSE(from_hex("0", bytes));
  CHECK_FALSE(from_hex("0g", bytes));
}

TEST_CASE("watchpoints see accesses that share a byte with them, of their kind", "[debug]") {
  using Point = StopPoints::Kind;
  const auto access = [](std::uint32_t address, unsigned bytes, bool write) {
    DataAccess a;
    a.address = address;
    a.bytes = static_cast<std::uint8_t>(bytes);
    a.write = write;
    return a;
  };
  StopPoints points;
  points.add(Point::kWrite, 0x102, 4);  // 0x102 to 0x105
  CHECK_FALSE(points.touched(access(0x100, 2, true)));
  CHECK(points.touched(access(0x100, 4, true))->address == 0x102);
  CHECK(points.touched(access(0x105, 1, true)));
  CHECK_FALSE(points.touched(access(0x106, 1, true)));
  CHECK_FALSE(points.touched(access(0x102, 1, false)));
  points.add(Point::kRead, 0x200, 1);
  CHECK(points.touched(access(0x200, 4, false)));
  CHECK_FALSE(points.touched(access(0x200, 4, true)));
  points.add(Point::kAccess, 0xffffffff, 1);
  CHECK(points.touched(access(0xffffffff, 1, false)));
  CHECK(points.touched(access(0xfffffffc, 4, true)));
  points.remove(Point::kAccess, 0xffffffff, 1);
  CHECK_FALSE(points.touched(access(0xffffffff, 1, false)));
}
