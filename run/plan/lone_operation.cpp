// SPDX-License-Identifier: Apache-2.0
#include "run/plan/lone_operation.h"

#include <algorithm>
#include <vector>

#include "kernels/include/etude_kernels.h"
#include "models/base/error.h"
#include "models/base/pulp_map_regs.h"

namespace etude::run {
namespace {

constexpr Bytes kLoneL1Bytes{1u << 20}, kLoneL2Bytes{256u << 20};
constexpr std::uint32_t kL1End = ETUDE_L1_BASE + (2u << 20);
constexpr std::uint32_t kAlign = 16;   ///< of operands, as a step's buffers have at least
constexpr std::uint32_t kUnknown = 4;  ///< bytes of a place that no access of the operation names

constexpr bool in_l1(std::uint32_t word) { return word >= ETUDE_L1_BASE && word < kL1End; }

constexpr std::uint32_t aligned(std::uint32_t bytes) {
  return (bytes + kAlign - 1) / kAlign * kAlign;
}

void add(std::string& key, std::uint32_t value) {
  key += ' ';
  key += std::to_string(value);
}

bool reads_integers(std::uint32_t kernel) {
  return kernel == ETUDE_KERNEL_CROSS_ENTROPY || kernel == ETUDE_KERNEL_CROSS_ENTROPY_GRAD ||
         kernel == ETUDE_KERNEL_GATHER || kernel == ETUDE_KERNEL_SCATTER_ADD;
}

/// The stretches of L1 that an operation touches, each as long as its accesses hang together, and
/// where they are put: in the order in which the operation names them.
class Places {
 public:
  explicit Places(const Operation& operation) {
    for (const Access& access : operation.accesses) {
      if (access.space == Access::Space::kL1) {
        regions_.push_back({access.address, access.end(), 0});
      }
    }
    std::ranges::sort(regions_, {}, &Region::begin);
    std::size_t last = 0;
    for (std::size_t i = 1; i < regions_.size(); ++i) {
      if (regions_[i].begin < regions_[last].end) {
        regions_[last].end = std::max(regions_[last].end, regions_[i].end);
      } else {
        regions_[++last] = regions_[i];
      }
    }
    regions_.resize(regions_.empty() ? 0 : last + 1);
  }

  /// The place of `address`; the key tells which stretch, and where in it.
  std::uint32_t put(std::uint32_t address, std::string& key) {
    auto found = std::ranges::find_if(regions_, [address](const Region& region) {
      return address >= region.begin && address < region.end;
    });
    if (found == regions_.end()) {
      regions_.push_back({address, address + kUnknown, 0});
      found = regions_.end() - 1;
    }
    if (found->place == 0) {
      found->place = next_;
      found->number = ++placed_;
      next_ += aligned(found->end - found->begin + found->begin % kAlign);
    }
    key += " @" + std::to_string(found->number) + "+" + std::to_string(address - found->begin) +
           "%" + std::to_string(found->begin % kAlign);
    return found->place + found->begin % kAlign + (address - found->begin);
  }
  Bytes bytes() const { return Bytes{next_ - kLoneL1.raw()}; }

 private:
  struct Region {
    std::uint32_t begin, end, place;
    unsigned number = 0;
  };
  std::vector<Region> regions_;
  std::uint32_t next_ = kLoneL1.raw();
  unsigned placed_ = 0;
};

void make_lone(KernelCall& call, Places& places, LoneOperation& lone) {
  lone.key = "kernel";
  add(lone.key, call.kernel);
  lone.integers = reads_integers(call.kernel);
  for (std::uint32_t& argument : call.args) {
    if (in_l1(argument)) {
      argument = places.put(argument, lone.key);
    } else {
      add(lone.key, argument);
    }
  }
}

void make_lone(MatrixJob& job, Places& places, LoneOperation& lone) {
  lone.key = "job";
  lone.of = LoneClass::kJob;
  for (const std::uint32_t each :
       {job.m, job.n, job.k, std::uint32_t{job.accumulate}, std::uint32_t{job.half}}) {
    add(lone.key, each);
  }
  for (Address* place : {&job.x, &job.w, &job.z}) {
    *place = Address{places.put(place->raw(), lone.key)};
  }
}

/// Pitches count as far as rows stand apart.
void make_lone(Transfer& transfer, LoneOperation& lone) {
  constexpr std::uint32_t kApart = 4, kApartL2 = 64;
  lone.key = transfer.to_l1 ? "in" : "out";
  const bool l1_apart = transfer.rows > 1 && transfer.l1_pitch != transfer.row_bytes;
  const bool l2_apart = transfer.rows > 1 && transfer.l2_pitch != transfer.row_bytes;
  const std::uint32_t l1_offset = transfer.l1.raw() % 8, l2_offset = transfer.l2.raw() % 8;
  for (const std::uint32_t each : {transfer.rows, transfer.row_bytes, std::uint32_t{l1_apart},
                                   std::uint32_t{l2_apart}, l1_offset, l2_offset}) {
    add(lone.key, each);
  }
  transfer.l1 = kLoneL1 + Bytes{l1_offset};
  transfer.l2 = kLoneL2 + Bytes{l2_offset};
  transfer.l1_pitch = transfer.row_bytes + (l1_apart ? kApart : 0);
  transfer.l2_pitch = transfer.row_bytes + (l2_apart ? kApartL2 : 0);
  lone.l1 = Bytes{aligned(8 + transfer.rows * transfer.l1_pitch)};
}

void make_lone(PageTransfer& page, LoneOperation& lone) {
  const bool out = page.to.raw() >= ETUDE_HYPERRAM_BASE;
  const bool inside = !out && page.from.raw() < ETUDE_HYPERRAM_BASE;
  if (std::max(page.to.raw(), page.from.raw()) >= ETUDE_FLASH_BASE || inside) {
    throw UserError("/run/tier", "\"model\" is not available for pages that go to flash",
                    "this version has \"cycle\" for them");
  }
  lone.key = out ? "page out" : "page in";
  lone.of = LoneClass::kPage;
  const std::uint32_t home = (out ? page.to : page.from).raw() % 8;
  const std::uint32_t near = (out ? page.from : page.to).raw() % 8;
  for (const std::uint32_t each : {page.bytes, home, near}) {
    add(lone.key, each);
  }
  const Address far{ETUDE_HYPERRAM_BASE + home}, l2 = kLoneL2 + Bytes{near};
  page.from = out ? l2 : far;
  page.to = out ? far : l2;
}

}  // namespace

LoneOperation lone_operation(const Operation& operation) {
  LoneOperation lone;
  lone.operation.what = operation.what;
  Places places(operation);
  if (auto* call = std::get_if<KernelCall>(&lone.operation.what)) {
    make_lone(*call, places, lone);
    lone.l1 = places.bytes();
  } else if (auto* job = std::get_if<MatrixJob>(&lone.operation.what)) {
    make_lone(*job, places, lone);
    lone.l1 = places.bytes();
  } else if (auto* transfer = std::get_if<Transfer>(&lone.operation.what)) {
    make_lone(*transfer, lone);
  } else if (auto* page = std::get_if<PageTransfer>(&lone.operation.what)) {
    make_lone(*page, lone);
  } else {
    throw UserError("/run/tier", "\"model\" is not available for a step that erases flash",
                    "this version has \"cycle\" for it");
  }
  return lone;
}

PlatformConfig lone_platform(const PlatformConfig& platform, LoneClass of) {
  const PlatformConfig defaults;
  PlatformConfig lone = platform;
  lone.cluster.tcdm.size = kLoneL1Bytes;
  lone.l2.size = kLoneL2Bytes;
  if (of != LoneClass::kJob) {
    lone.cluster.redmule = defaults.cluster.redmule;
    lone.cluster.redmule.enabled = false;
  }
  if (of != LoneClass::kPage) {
    lone.hyperram = defaults.hyperram;
    lone.cluster.clock_hz = defaults.cluster.clock_hz;
  }
  lone.flash = defaults.flash;
  return lone;
}

}  // namespace etude::run
