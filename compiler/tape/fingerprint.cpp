// SPDX-License-Identifier: Apache-2.0
#include "compiler/tape/fingerprint.h"

#include <bit>
#include <variant>

namespace etude::compiler {
namespace {

/// FNV-1a (Fowler, Noll, Vo), by words.
class Hash {
 public:
  void add(std::uint64_t word) { value_ = (value_ ^ word) * 0x100000001B3ull; }

  // Bytes that an operation touches tell its operands; what they do not tell is added here.
  void operator()(const End&) {}
  void operator()(const Wait& wait) { add(wait.count); }
  void operator()(const KernelCall& call) {
    add(call.kernel);
    for (const std::uint32_t arg : call.args) {
      add(arg);
    }
  }
  void operator()(const MatrixJob& job) {
    add(job.m);
    add(job.n);
    add(job.k);
    add(job.accumulate ? 1 : 0);
  }
  void operator()(const Transfer& transfer) { add(transfer.to_l1 ? 1 : 0); }
  void operator()(const PageTransfer& page) { add(page.bytes); }
  void operator()(const FlashErase& erase) { add(erase.bytes); }

  std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0xCBF29CE484222325ull;
};

}  // namespace

std::uint64_t fingerprint(const Tape& tape) {
  Hash hash;
  for (const PlanOp& op : tape.ops) {
    hash.add(op.what.index());
    std::visit(hash, op.what);
    hash.add(op.layer);
    hash.add(op.stage);
    hash.add(op.cycles.raw());
    hash.add(std::bit_cast<std::uint64_t>(op.port_share));
    hash.add(static_cast<std::uint32_t>(op.probe));
    for (const Access& access : op.accesses) {
      hash.add(std::uint64_t{access.address} << 32 | access.object);
      hash.add(std::uint64_t{access.rows} << 32 | access.row_bytes);
      hash.add(std::uint64_t{access.pitch} << 3 | static_cast<std::uint64_t>(access.space) << 1 |
               (access.write ? 1 : 0));
    }
  }
  return hash.value();
}

}  // namespace etude::compiler
