// SPDX-License-Identifier: Apache-2.0
// Values of the scalar CORE-V instructions, worked out by hand from the CV32E40P user manual v2;
// the words come from llvm-mc-19. Operands: rd = a0 (old value), rs1 = a1, rs2 = a2.
#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <vector>

#include "models/iss/isa/decode.h"
#include "models/iss/isa/execute.h"
#include "tests/support/corev_words.h"

using namespace etude;

namespace {

struct Case {
  const char* text;
  std::uint32_t rd, rs1, rs2, expected;
};

const std::vector<Case> kCases = {
    // ---- XCValu
    {"cv.abs a0, a1", 0, 0xfffffffb, 0, 5},
    {"cv.abs a0, a1", 0, 5, 0, 5},
    {"cv.abs a0, a1", 0, 0x80000000, 0, 0x80000000},
    {"cv.slet a0, a1, a2", 0, 0xffffffff, 0, 1},
    {"cv.slet a0, a1, a2", 0, 7, 7, 1},
    {"cv.slet a0, a1, a2", 0, 8, 7, 0},
    {"cv.sletu a0, a1, a2", 0, 0xffffffff, 0, 0},
    {"cv.sletu a0, a1, a2", 0, 0, 0xffffffff, 1},
    {"cv.min a0, a1, a2", 0, 0xfffffffe, 3, 0xfffffffe},
    {"cv.minu a0, a1, a2", 0, 0xfffffffe, 3, 3},
    {"cv.max a0, a1, a2", 0, 0xfffffffe, 3, 3},
    {"cv.maxu a0, a1, a2", 0, 0xfffffffe, 3, 0xfffffffe},
    {"cv.exths a0, a1", 0, 0x1234ffff, 0, 0xffffffff},
    {"cv.exths a0, a1", 0, 0xffff7fff, 0, 0x00007fff},
    {"cv.exthz a0, a1", 0, 0x1234ffff, 0, 0x0000ffff},
    {"cv.extbs a0, a1", 0, 0x12345680, 0, 0xffffff80},
    {"cv.extbz a0, a1", 0, 0x12345680, 0, 0x00000080},
    // Is2 = 8: limits -2^7 and 2^7 - 1.
    {"cv.clip a0, a1, 8", 0, 1000, 0, 127},
    {"cv.clip a0, a1, 8", 0, 0xfffffc18, 0, 0xffffff80},
    {"cv.clip a0, a1, 8", 0, 0xffffff80, 0, 0xffffff80},
    {"cv.clip a0, a1, 8", 0, 0xffffff81, 0, 0xffffff81},
    {"cv.clip a0, a1, 8", 0, 126, 0, 126},
    {"cv.clip a0, a1, 0", 0, 5, 0, 0},  // limits -1 and 0
    {"cv.clip a0, a1, 0", 0, 0x80000000, 0, 0xffffffff},
    {"cv.clip a0, a1, 1", 0, 5, 0, 0},  // limits -1 and 0 as well
    {"cv.clip a0, a1, 31", 0, 0x7fffffff, 0, 0x3fffffff},
    {"cv.clipu a0, a1, 8", 0, 1000, 0, 127},
    {"cv.clipu a0, a1, 8", 0, 0xffffffff, 0, 0},
    {"cv.clipu a0, a1, 8", 0, 100, 0, 100},
    {"cv.clipr a0, a1, a2", 0, 100, 50, 50},
    {"cv.clipr a0, a1, a2", 0, 0xffffff00, 50, 0xffffffcd},  // -(50 + 1)
    {"cv.clipr a0, a1, a2", 0, 49, 50, 49},
    {"cv.clipr a0, a1, a2", 0, 0x80000000, 0x7fffffff, 0x80000000},
    {"cv.clipur a0, a1, a2", 0, 100, 50, 50},
    {"cv.clipur a0, a1, a2", 0, 0xffffff00, 50, 0},
    // (7 + 6) >> 2 = 3; with half an ulp (2): 15 >> 2 = 3; 14 + 2 = 16 >> 2 = 4.
    {"cv.addn a0, a1, a2, 2", 0, 7, 6, 3},
    {"cv.addrn a0, a1, a2, 2", 0, 7, 7, 4},
    {"cv.addrn a0, a1, a2, 0", 0, 7, 7, 14},
    {"cv.addn a0, a1, a2, 1", 0, 0xfffffffd, 0, 0xfffffffe},   // -3 >>> 1 = -2
    {"cv.addun a0, a1, a2, 1", 0, 0xfffffffd, 0, 0x7ffffffe},  // the same bits, logically
    {"cv.addurn a0, a1, a2, 4", 0, 0xffffff00, 0xf7, 0x0fffffff},
    {"cv.subn a0, a1, a2, 1", 0, 3, 6, 0xfffffffe},  // -3 >>> 1
    {"cv.subun a0, a1, a2, 1", 0, 3, 6, 0x7ffffffe},
    {"cv.subrn a0, a1, a2, 1", 0, 3, 6, 0xffffffff},  // (-3 + 1) >>> 1
    {"cv.suburn a0, a1, a2, 1", 0, 3, 6, 0x7fffffff},
    {"cv.addnr a0, a1, a2", 7, 6, 2, 3},  // (rd + rs1) >>> rs2[4:0]
    {"cv.addnr a0, a1, a2", 7, 6, 34, 3},
    {"cv.addunr a0, a1, a2", 0xfffffffd, 0, 1, 0x7ffffffe},
    {"cv.addrnr a0, a1, a2", 7, 7, 2, 4},
    {"cv.addurnr a0, a1, a2", 0xffffff00, 0xf7, 4, 0x0fffffff},
    {"cv.subnr a0, a1, a2", 3, 6, 1, 0xfffffffe},
    {"cv.subunr a0, a1, a2", 3, 6, 1, 0x7ffffffe},
    {"cv.subrnr a0, a1, a2", 3, 6, 1, 0xffffffff},
    {"cv.suburnr a0, a1, a2", 3, 6, 1, 0x7fffffff},
    // ---- XCVbitmanip: extract length Is3 + 1 bits at position Is2
    {"cv.extract a0, a1, 7, 8", 0, 0x12348067, 0, 0xffffff80},
    {"cv.extractu a0, a1, 7, 8", 0, 0x12348067, 0, 0x80},
    {"cv.extract a0, a1, 3, 4", 0, 0x00000070, 0, 7},
    {"cv.extract a0, a1, 31, 0", 0, 0x87654321, 0, 0x87654321},
    {"cv.extract a0, a1, 15, 24", 0, 0x87654321, 0, 0xffffff87},  // cut at bit 31
    {"cv.extractu a0, a1, 15, 24", 0, 0x87654321, 0, 0x87},
    {"cv.extractr a0, a1, a2", 0, 0x12348067, 7u << 5 | 8, 0xffffff80},
    {"cv.extractur a0, a1, a2", 0, 0x12348067, 7u << 5 | 8, 0x80},
    {"cv.extractur a0, a1, a2", 0, 0x12348067, 0xfffffc00u | 7u << 5 | 8, 0x80},
    {"cv.insert a0, a1, 7, 8", 0xaaaaaaaa, 0x12345678, 0, 0xaaaa78aa},
    {"cv.insert a0, a1, 31, 0", 0xaaaaaaaa, 0x12345678, 0, 0x12345678},
    {"cv.insertr a0, a1, a2", 0xaaaaaaaa, 0x12345678, 3u << 5 | 28, 0x8aaaaaaa},
    {"cv.bclr a0, a1, 7, 8", 0, 0xffffffff, 0, 0xffff00ff},
    {"cv.bset a0, a1, 7, 8", 0, 0, 0, 0x0000ff00},
    {"cv.bclrr a0, a1, a2", 0, 0xffffffff, 0u << 5 | 31, 0x7fffffff},
    {"cv.bsetr a0, a1, a2", 0, 0, 31u << 5 | 4, 0xfffffff0},
    {"cv.ff1 a0, a1", 0, 0x00000050, 0, 4},
    {"cv.ff1 a0, a1", 0, 0, 0, 32},
    {"cv.ff1 a0, a1", 0, 0x80000000, 0, 31},
    {"cv.fl1 a0, a1", 0, 0x00000050, 0, 6},
    {"cv.fl1 a0, a1", 0, 0, 0, 32},
    {"cv.clb a0, a1", 0, 0, 0, 0},
    {"cv.clb a0, a1", 0, 1, 0, 30},           // 31 zeros lead
    {"cv.clb a0, a1", 0, 0xffffffff, 0, 31},  // 32 ones lead
    {"cv.clb a0, a1", 0, 0xf0000000, 0, 3},
    {"cv.clb a0, a1", 0, 0x7fffffff, 0, 0},
    {"cv.cnt a0, a1", 0, 0xf0f00001, 0, 9},
    {"cv.ror a0, a1, a2", 0, 0x12345678, 8, 0x78123456},
    {"cv.ror a0, a1, a2", 0, 0x12345678, 32, 0x12345678},
    // The three examples of the manual.
    {"cv.bitrev a0, a1, 0, 4", 0, 0xc64a5933, 0, 0x0cc9a526},
    {"cv.bitrev a0, a1, 1, 4", 0, 0xc64a5933, 0, 0x0cc65a19},
    {"cv.bitrev a0, a1, 2, 4", 0, 0xc64a5933, 0, 0x216b244b},
    {"cv.bitrev a0, a1, 3, 4", 0, 0xc64a5933, 0, 0x0cc9a526},  // as radix 2
    // ---- XCVmac
    {"cv.mac a0, a1, a2", 10, 3, 4, 22},
    {"cv.mac a0, a1, a2", 0, 0xffffffff, 0xffffffff, 1},
    {"cv.msu a0, a1, a2", 10, 3, 4, 0xfffffffe},
    // low halves -2 and 3, high halves 5 and 0x8000 (-32768)
    {"cv.mulsn a0, a1, a2, 1", 0, 0x0005fffe, 0x80000003, 0xfffffffd},
    {"cv.muls a0, a1, a2", 0, 0x0005fffe, 0x80000003, 0xfffffffa},
    {"cv.mulhhsn a0, a1, a2, 4", 0, 0x0005fffe, 0x80000003, 0xffffd800},  // -163840 / 16
    {"cv.mulhhs a0, a1, a2", 0, 0x0005fffe, 0x80000003, 0xfffd8000},
    {"cv.mulsrn a0, a1, a2, 2", 0, 0x0005fffe, 0x80000003, 0xffffffff},  // (-6 + 2) >>> 2
    {"cv.mulhhsrn a0, a1, a2, 18", 0, 0x0005fffe, 0x80000003, 0xffffffff},
    {"cv.mulun a0, a1, a2, 1", 0, 0x0005fffe, 0x80000003, 0x00017ffd},  // 196602 >> 1
    {"cv.mulu a0, a1, a2", 0, 0x0005fffe, 0x80000003, 0x0002fffa},
    {"cv.mulhhun a0, a1, a2, 4", 0, 0x0005fffe, 0x80000003, 0x00002800},
    {"cv.mulhhu a0, a1, a2", 0, 0x0005fffe, 0x80000003, 0x00028000},
    {"cv.mulurn a0, a1, a2, 2", 0, 0x0005fffe, 0x80000003, 0x0000bfff},  // 196604 >> 2
    {"cv.mulhhurn a0, a1, a2, 18", 0, 0x0005fffe, 0x80000003, 1},        // (163840 + 131072) >> 18
    {"cv.mulu a0, a1, a2", 0, 0xffff, 0xffff, 0xfffe0001},
    {"cv.macsn a0, a1, a2, 1", 100, 0x0005fffe, 0x80000003, 47},
    {"cv.machhsn a0, a1, a2, 4", 160, 0x0005fffe, 0x80000003, 0xffffd80a},
    {"cv.macsrn a0, a1, a2, 2", 9, 0x0005fffe, 0x80000003, 1},  // (-6 + 9 + 2) >>> 2
    {"cv.machhsrn a0, a1, a2, 4", 168, 0x0005fffe, 0x80000003, 0xffffd80b},
    {"cv.macun a0, a1, a2, 1", 100, 0x0005fffe, 0x80000003, 0x0001802f},  // 196702 >> 1
    {"cv.machhun a0, a1, a2, 4", 160, 0x0005fffe, 0x80000003, 0x0000280a},
    {"cv.macurn a0, a1, a2, 2", 4, 0x0005fffe, 0x80000003, 0x0000c000},  // 196608 >> 2
    {"cv.machhurn a0, a1, a2, 4", 168, 0x0005fffe, 0x80000003, 0x0000280b},
    // ---- XCVsimd: what is not element by element
    {"cv.extract.h a0, a1, 1", 0, 0x8001ffff, 0, 0xffff8001},
    {"cv.extract.h a0, a1, 0", 0, 0x80017fff, 0, 0x00007fff},
    {"cv.extractu.h a0, a1, 1", 0, 0x8001ffff, 0, 0x00008001},
    {"cv.extract.b a0, a1, 2", 0, 0x11802233, 0, 0xffffff80},
    {"cv.extractu.b a0, a1, 3", 0, 0xf1802233, 0, 0x000000f1},
    {"cv.insert.h a0, a1, 1", 0xaaaabbbb, 0x12345678, 0, 0x5678bbbb},
    {"cv.insert.h a0, a1, 0", 0xaaaabbbb, 0x12345678, 0, 0xaaaa5678},
    {"cv.insert.b a0, a1, 2", 0xaaaabbbb, 0x12345678, 0, 0xaa78bbbb},
    {"cv.shuffle.h a0, a1, a2", 0, 0x11112222, 0x00000001, 0x22221111},
    {"cv.shuffle.sci.h a0, a1, 2", 0, 0x11112222, 0, 0x11112222},  // I1 = 1, I0 = 0
    {"cv.shuffle.sci.h a0, a1, 1", 0, 0x11112222, 0, 0x22221111},
    {"cv.shuffle.b a0, a1, a2", 0, 0x44332211, 0x00010203, 0x11223344},
    {"cv.shufflei0.sci.b a0, a1, 27", 0, 0x44332211, 0, 0x11223344},  // fields 01, 10, 11
    {"cv.shufflei1.sci.b a0, a1, 27", 0, 0x44332211, 0, 0x22223344},
    {"cv.shufflei2.sci.b a0, a1, 27", 0, 0x44332211, 0, 0x33223344},
    {"cv.shufflei3.sci.b a0, a1, 27", 0, 0x44332211, 0, 0x44223344},
    // bit 1 (.h), bit 2 (.b) of each selector: 1 takes rs1, 0 the old rd
    {"cv.shuffle2.h a0, a1, a2", 0xaaaabbbb, 0x11112222, 0x00030000, 0x1111bbbb},
    {"cv.shuffle2.h a0, a1, a2", 0xaaaabbbb, 0x11112222, 0x00010002, 0xaaaa2222},
    {"cv.shuffle2.b a0, a1, a2", 0xddccbbaa, 0x44332211, 0x07000403, 0x44aa11dd},
    {"cv.pack a0, a1, a2", 0, 0x11112222, 0x33334444, 0x22224444},
    {"cv.pack.h a0, a1, a2", 0, 0x11112222, 0x33334444, 0x11113333},
    {"cv.packhi.b a0, a1, a2", 0xaabbccdd, 0x11, 0x22, 0x1122ccdd},
    {"cv.packlo.b a0, a1, a2", 0xaabbccdd, 0x11, 0x22, 0xaabb1122},
    // complex: rs1 = 0.5 + 0.25j (0x4000, 0x2000), rs2 = 0.5 - 0.5j (0x4000, 0xc000), Q15
    // real 0.25 + 0.125 = 0.375 = 0x3000; imaginary -0.25 + 0.125 = -0.125 = 0xf000
    {"cv.cplxmul.r a0, a1, a2", 0xaaaabbbb, 0x20004000, 0xc0004000, 0xaaaa3000},
    {"cv.cplxmul.i a0, a1, a2", 0xaaaabbbb, 0x20004000, 0xc0004000, 0xf000bbbb},
    {"cv.cplxmul.r.div2 a0, a1, a2", 0xaaaabbbb, 0x20004000, 0xc0004000, 0xaaaa1800},
    {"cv.cplxmul.i.div4 a0, a1, a2", 0xaaaabbbb, 0x20004000, 0xc0004000, 0xfc00bbbb},
    {"cv.cplxmul.r.div8 a0, a1, a2", 0xaaaabbbb, 0x20004000, 0xc0004000, 0xaaaa0600},
    {"cv.cplxconj a0, a1", 0, 0x20004000, 0, 0xe0004000},
    // (re(rs2) - re(rs1)) above, (im(rs1) - im(rs2)) below
    {"cv.subrotmj a0, a1, a2", 0, 0x00050003, 0x0001000a, 0x00070004},
    {"cv.subrotmj.div2 a0, a1, a2", 0, 0x00050003, 0x0001000a, 0x00030002},
    {"cv.subrotmj.div8 a0, a1, a2", 0, 0x00010003, 0x00050001, 0xffffffff},
    {"cv.add.div2 a0, a1, a2", 0, 0x7fff0006, 0x00010008, 0xc0000007},  // wraps, then halves
    {"cv.add.div4 a0, a1, a2", 0, 0x00080006, 0x00080008, 0x00040003},
    {"cv.add.div8 a0, a1, a2", 0, 0xfff00008, 0x00000008, 0xfffe0002},
    {"cv.sub.div2 a0, a1, a2", 0, 0x00010008, 0x00040002, 0xfffe0003},
    {"cv.sub.div4 a0, a1, a2", 0, 0x00100008, 0x00000000, 0x00040002},
    {"cv.sub.div8 a0, a1, a2", 0, 0x00100008, 0x00000000, 0x00020001},
    // dot products: 1*5 + (-2)*3 = -1; unsigned 1*5 + 65534*3 = 196607
    {"cv.dotsp.h a0, a1, a2", 0, 0xfffe0001, 0x00030005, 0xffffffff},
    {"cv.dotup.h a0, a1, a2", 0, 0xfffe0001, 0x00030005, 196607},
    {"cv.dotusp.h a0, a1, a2", 0, 0x00020001, 0xfffd0005, 0xffffffff},  // 1*5 + 2*(-3)
    {"cv.sdotsp.h a0, a1, a2", 100, 0xfffe0001, 0x00030005, 99},
    {"cv.sdotup.b a0, a1, a2", 7, 0x01020304, 0x05060708, 77},             // 5 + 12 + 21 + 32 + 7
    {"cv.sdotsp.sc.b a0, a1, a2", 0, 0x010203ff, 0x000000fe, 0xfffffff6},  // (1+2+3-1)*(-2)
    {"cv.dotsp.sci.h a0, a1, -3", 0, 0x00020004, 0, 0xffffffee},           // -18
    {"cv.dotup.sci.b a0, a1, 61", 0, 0x00000100, 0, 61},
    {"cv.dotusp.sci.b a0, a1, -3", 0, 0x000000ff, 0, 0xfffffd03},  // 255 * (-3)
};

std::vector<std::string> texts() {
  std::vector<std::string> lines;
  for (const Case& c : kCases) {
    lines.emplace_back(c.text);
  }
  return lines;
}

}  // namespace

TEST_CASE("CORE-V instructions give the values of the manual") {
  const IsaConfig isa = test::corev_isa();
  const auto words = test::corev_words(texts());
  REQUIRE(words.size() == kCases.size());
  for (std::size_t n = 0; n < kCases.size(); ++n) {
    const Case& c = kCases[n];
    ArchState state(isa, CsrMap::kStandard, 0);
    state.r[10] = c.rd;
    state.r[11] = c.rs1;
    state.r[12] = c.rs2;
    const Instr instr = decode(words[n], isa);
    INFO(c.text << " (" << std::hex << words[n] << ") rd " << c.rd << " rs1 " << c.rs1 << " rs2 "
                << c.rs2);
    REQUIRE(instr.run != nullptr);
    execute(instr, state);
    CHECK(state.x(10) == c.expected);
    CHECK(state.x(11) == c.rs1);
    CHECK(state.x(12) == c.rs2);
  }
}
