// SPDX-License-Identifier: Apache-2.0
#include "models/dma/dma_bench.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "models/base/error.h"
#include "models/base/pulp_map_regs.h"
#include "models/dma/idma_regs.h"
#include "models/dma/mchan_regs.h"

namespace etude {
namespace {

// Where the two memories of the bench stand.
constexpr std::uint32_t kTcdmBase = ETUDE_L1_BASE;
constexpr std::uint32_t kMemoryBase = ETUDE_L2_BASE;

struct Access {
  std::uint32_t offset;
  bool write;
  std::uint32_t wdata;
};

std::vector<Access> mchan_program(const DmaBenchTransfer& t) {
  std::vector<Access> list{
      {ETUDE_MCHAN_CMD, false, 0},
      {ETUDE_MCHAN_CMD, true,
       t.bytes | (t.to_l1 ? ETUDE_MCHAN_TO_L1 : 0) | ETUDE_MCHAN_INCREMENT | ETUDE_MCHAN_EVENT |
           (t.ext_row_bytes != 0 ? ETUDE_MCHAN_2D_EXT : 0) |
           (t.l1_row_bytes != 0 ? ETUDE_MCHAN_2D_L1 : 0)},
      {ETUDE_MCHAN_CMD, true, kTcdmBase + t.l1},
      {ETUDE_MCHAN_CMD, true, kMemoryBase + t.ext}};
  if (t.ext_row_bytes != 0) {
    list.push_back({ETUDE_MCHAN_CMD, true, t.ext_row_bytes});
    list.push_back({ETUDE_MCHAN_CMD, true, t.ext_stride});
  }
  if (t.l1_row_bytes != 0) {
    list.push_back({ETUDE_MCHAN_CMD, true, t.l1_row_bytes});
    list.push_back({ETUDE_MCHAN_CMD, true, t.l1_stride});
  }
  return list;
}

std::vector<Access> idma_program(const DmaBenchTransfer& t) {
  const std::uint32_t row = t.ext_row_bytes != 0  ? t.ext_row_bytes
                            : t.l1_row_bytes != 0 ? t.l1_row_bytes
                                                  : t.bytes;
  const std::uint32_t ext_stride = t.ext_row_bytes != 0 ? t.ext_stride : row;
  const std::uint32_t l1_stride = t.l1_row_bytes != 0 ? t.l1_stride : row;
  const bool rows = t.ext_row_bytes != 0 || t.l1_row_bytes != 0;
  const std::uint32_t l1 = kTcdmBase + t.l1;
  const std::uint32_t ext = kMemoryBase + t.ext;
  std::vector<Access> list{{ETUDE_IDMA_SRC, true, t.to_l1 ? ext : l1},
                           {ETUDE_IDMA_DST, true, t.to_l1 ? l1 : ext},
                           {ETUDE_IDMA_NUM_BYTES, true, row},
                           {ETUDE_IDMA_CONF, true, rows ? ETUDE_IDMA_CONF_2D : 0}};
  if (rows) {
    list.push_back({ETUDE_IDMA_STRIDE_SRC, true, t.to_l1 ? ext_stride : l1_stride});
    list.push_back({ETUDE_IDMA_STRIDE_DST, true, t.to_l1 ? l1_stride : ext_stride});
    list.push_back({ETUDE_IDMA_REPS, true, t.bytes / row});
  }
  list.push_back({ETUDE_IDMA_NEXT_ID, false, 0});
  return list;
}

// A core that programs its transfers one after the other.
struct Programmer {
  std::vector<std::size_t> transfers;  // indices
  std::size_t transfer = 0;
  std::vector<Access> list;
  std::size_t at = 0;
  std::uint64_t next = 0;

  bool finished() const { return transfer == transfers.size(); }
};

}  // namespace

Cycle FixedLatencyMemory::read(Address address, std::span<std::uint8_t> data, Cycle ar) {
  std::memcpy(data.data(),
              &bytes_.at(address.raw() - kMemoryBase + data.size() - 1) - data.size() + 1,
              data.size());
  return ar + Cycle{read_latency_};
}

Cycle FixedLatencyMemory::write(Address address, std::span<const std::uint8_t> data,
                                std::span<const std::uint8_t> strobe, Cycle, Cycle last_w) {
  std::uint8_t* const target =
      &bytes_.at(address.raw() - kMemoryBase + data.size() - 1) - data.size() + 1;
  for (std::size_t i = 0; i < data.size(); ++i) {
    if (strobe.empty() || strobe[i] != 0) {
      target[i] = data[i];
    }
  }
  return last_w + Cycle{write_latency_};
}

void DmaBench::run(ClusterDma& dma, std::uint64_t limit) {
  const bool mchan = engine == DmaConfig::Engine::kMchan;
  std::vector<Programmer> cores(ClusterDma::kMaxCores);
  for (std::size_t i = 0; i < transfers.size(); ++i) {
    cores.at(transfers[i].core).transfers.push_back(i);
  }
  std::vector<std::vector<std::size_t>> by_id(256);  // transfers under way, per id, oldest first
  std::size_t complete = 0;
  ClusterDma::Requests out;
  std::array<std::uint32_t, ClusterDma::kPorts> rdata{};

  for (std::uint64_t now = 0; complete != transfers.size(); ++now) {
    if (now > limit) {
      throw ProgramError("the DMA did not complete its transfers within " + std::to_string(limit) +
                         " cycles");
    }
    std::uint32_t readers = 0;
    for (unsigned c = 0; c < cores.size(); ++c) {
      Programmer& p = cores[c];
      if (p.list.empty() && !p.finished()) {
        const DmaBenchTransfer& t = transfers[p.transfers[p.transfer]];
        p.list = mchan ? mchan_program(t) : idma_program(t);
      }
      readers |= !p.finished() && p.next <= now && !p.list[p.at].write ? 1u << c : 0;
    }
    if (readers != 0) {
      dma.announce(readers);
    }
    for (unsigned c = 0; c < cores.size(); ++c) {
      Programmer& p = cores[c];
      if (p.finished() || p.next > now) {
        continue;
      }
      const Access& a = p.list[p.at];
      const DmaReply reply = dma.access(c, a.offset, a.write, a.wdata, Cycle{now});
      if (!reply.granted) {
        continue;
      }
      // After a read the core waits for its data, which come one cycle later.
      p.next = now + (a.write ? 1 : 2) + gap;
      if (!a.write) {
        by_id[reply.rdata % 256].push_back(p.transfers[p.transfer]);
      }
      if (++p.at == p.list.size()) {
        transfers[p.transfers[p.transfer]].launched = now;
        p.list.clear();
        p.at = 0;
        ++p.transfer;
      }
    }
    if (!every_cycle && dma.next_activity().raw() > now) {
      continue;
    }
    ++committed;
    const std::uint32_t asked = dma.requests(Cycle{now}, out);
    std::uint32_t granted = 0;
    for (unsigned port = 0; port < ClusterDma::kPorts; ++port) {
      if ((asked >> port & 1) == 0 || (deny && deny(now, port))) {
        continue;
      }
      granted |= 1u << port;
      const DmaPortRequest& r = out[port];
      std::uint8_t* const word = &tcdm.at(r.address - kTcdmBase + 3) - 3;
      if (!r.write) {
        std::memcpy(&rdata[port], word, 4);
        continue;
      }
      for (unsigned i = 0; i < 4; ++i) {
        if ((r.enable >> i & 1) != 0) {
          word[i] = static_cast<std::uint8_t>(r.wdata >> (8 * i));
        }
      }
    }
    dma.commit(Cycle{now}, granted, rdata);
    dma.take_events(Cycle{now});
    DmaRecord record;
    while (dma.take_record(record)) {
      auto& waiting = by_id[record.id % 256];
      transfers[waiting.at(0)].done = record.done.raw();
      transfers[waiting.at(0)].record = record;
      waiting.erase(waiting.begin());
      ++complete;
    }
  }
}

}  // namespace etude
