// SPDX-License-Identifier: Apache-2.0
#include "models/dma/soc_dma.h"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <utility>

#include "models/base/error.h"
#include "models/base/pulp_map_regs.h"

namespace etude {

namespace {

constexpr bool is_external(std::uint32_t address) { return address >= ETUDE_HYPERRAM_BASE; }

/// The addresses [first, last] that `rows` rows touch.
struct Extent {
  std::uint64_t first, last;
  bool overlaps(const Extent& other) const { return first <= other.last && other.first <= last; }
};

Extent extent(std::uint32_t base, std::uint32_t pitch, std::uint32_t rows, std::uint32_t bytes) {
  return {base, std::uint64_t{base} + std::uint64_t{pitch} * (rows - 1) + bytes - 1};
}

}  // namespace

SocDma::SocDma(const sc_core::sc_module_name& name, const SocDmaConfig& config,
               const ClusterClock& clock)
    : sc_module(name), config_(config), clock_(clock), extension_(new AccessExtension) {
  if (config.queue < 8 || config.buffers < 1 || !std::has_single_bit(config.piece.raw())) {
    throw UserError("soc dma", "queue, buffers or piece out of range",
                    "queue >= 8, buffers >= 1, piece a power of two");
  }
  extension_->initiator = BusInitiator::kSocDma;
  payload_.set_extension(extension_);  // the payload owns it
  out_bus_.bind(*this);
}

void SocDma::reset() {
  source_ = destination_ = length_ = stride_ = 0;
  repetitions_ = 1;
  launched_ = completed_ = 0;
  jobs_.clear();
  pieces_.clear();
  releases_.clear();
  in_use_ = 0;
  reader_free_ = writer_free_ = busy_since_ = 0;
  warnings_.clear();
  for (Counter* counter :
       {&transfers_, &ext_to_l2_, &l2_to_ext_, &l2_to_l2_, &ext_to_ext_, &busy_}) {
    counter->value = 0;
  }
}

std::optional<std::uint32_t> SocDma::read_register(std::uint32_t offset, Cycle now) {
  switch (offset) {
    case ETUDE_SOC_DMA_SRC:
      return source_;
    case ETUDE_SOC_DMA_DST:
      return destination_;
    case ETUDE_SOC_DMA_LEN:
      return length_;
    case ETUDE_SOC_DMA_STRIDE:
      return stride_;
    case ETUDE_SOC_DMA_REPS:
      return repetitions_;
    case ETUDE_SOC_DMA_DONE:
      return completed_;
    case ETUDE_SOC_DMA_START:
      if (jobs_.size() >= config_.queue) {
        return std::nullopt;
      }
      return launch(now);
    default:
      return 0;
  }
}

void SocDma::write_register(std::uint32_t offset, std::uint32_t value, Cycle) {
  switch (offset) {
    case ETUDE_SOC_DMA_SRC:
      source_ = value;
      break;
    case ETUDE_SOC_DMA_DST:
      destination_ = value;
      break;
    case ETUDE_SOC_DMA_LEN:
      length_ = value;
      break;
    case ETUDE_SOC_DMA_STRIDE:
      stride_ = value;
      break;
    case ETUDE_SOC_DMA_REPS:
      repetitions_ = value;
      break;
    default:
      break;
  }
}

std::uint32_t SocDma::launch(Cycle now) {
  Job job{};
  job.source = source_;
  job.destination = destination_;
  job.row_bytes = length_;
  job.rows = repetitions_;
  job.erase = source_ == ETUDE_SOC_DMA_SRC_ERASE;
  // The stride is that of the external side; a side in L2 is dense.
  job.source_pitch = is_external(source_) ? stride_ : length_;
  job.destination_pitch = is_external(destination_) ? stride_ : length_;
  job.start = now.raw() + config_.launch.raw();
  if (job.row_bytes == 0 || job.rows == 0) {
    warnings_.push_back("soc dma: transfer " + std::to_string(launched_) + " moves no byte");
    job.rows = 0;
    job.all_read = true;
    job.end = job.start;
  }
  if (jobs_.empty()) {
    busy_since_ = now.raw();
  }
  jobs_.push_back(job);
  return launched_++;
}

std::uint32_t SocDma::piece_bytes(const Job& job) const {
  // Pieces end at multiples of their size on the external side, so that flash pages stay whole.
  const bool by_destination = is_external(job.destination) || !is_external(job.source);
  const std::uint32_t address =
      by_destination ? job.destination + job.read_row * job.destination_pitch + job.read_offset
                     : job.source + job.read_row * job.source_pitch + job.read_offset;
  const auto piece = static_cast<std::uint32_t>(config_.piece.raw());
  return std::min(job.row_bytes - job.read_offset, piece - address % piece);
}

bool SocDma::may_read(std::size_t index) const {
  // A transfer does not read what an earlier one still has to write.
  const Job& job = jobs_[index];
  if (job.erase) {
    return index == 0;
  }
  const Extent source = extent(job.source, job.source_pitch, job.rows, job.row_bytes);
  for (std::size_t i = 0; i < index; ++i) {
    const Job& before = jobs_[i];
    if (before.erase ||
        (before.rows > 0 && source.overlaps(extent(before.destination, before.destination_pitch,
                                                   before.rows, before.row_bytes)))) {
      return false;
    }
  }
  return true;
}

std::optional<std::size_t> SocDma::reading_job() const {
  for (std::size_t i = 0; i < jobs_.size(); ++i) {
    if (!jobs_[i].all_read) {
      return may_read(i) ? std::optional<std::size_t>(i) : std::nullopt;
    }
  }
  return std::nullopt;
}

std::uint64_t SocDma::next_read() const {
  const auto index = reading_job();
  if (!index) {
    return kNever.raw();
  }
  std::uint64_t when = std::max(jobs_[*index].start, reader_free_);
  if (in_use_ >= config_.buffers) {
    if (releases_.empty()) {
      return kNever.raw();  // a write has to start first
    }
    when = std::max(when, releases_.front());
  }
  return when;
}

std::uint64_t SocDma::next_write() const {
  return pieces_.empty() ? kNever.raw() : std::max(pieces_.front().ready, writer_free_);
}

Cycle SocDma::next_activity() const {
  std::uint64_t next = std::min(next_read(), next_write());
  if (!jobs_.empty() && jobs_.front().all_read && jobs_.front().left == 0) {
    next = std::min(next, jobs_.front().end);
  }
  return Cycle{next};
}

std::uint64_t SocDma::transport(const Job& job, tlm::tlm_command command, std::uint32_t address,
                                std::uint8_t* data, std::uint32_t bytes, std::uint64_t now) {
  const bool l2 = !is_external(address);
  const std::uint64_t beats = (address % 8 + bytes + 7) / 8;
  const bool write = command == tlm::TLM_WRITE_COMMAND;
  extension_->kind = job.erase ? AccessExtension::Kind::kErase : AccessExtension::Kind::kBurst;
  extension_->first_w = Cycle{now};
  payload_.set_command(command);
  payload_.set_address(address);
  payload_.set_data_ptr(data);
  payload_.set_data_length(bytes);
  payload_.set_streaming_width(bytes);
  payload_.set_byte_enable_ptr(nullptr);
  payload_.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
  // On the L2's bus a write is annotated with its last beat, elsewhere with its request.
  sc_core::sc_time delay = clock_.delay_to(Cycle{now + (write && l2 ? beats - 1 : 0)});
  out_bus_->b_transport(payload_, delay);
  if (payload_.is_response_error()) {
    char text[192];
    std::snprintf(text, sizeof text,
                  "soc dma: nothing answers at 0x%08x (source 0x%08x, destination 0x%08x, "
                  "%u rows of %u bytes)",
                  address, job.source, job.destination, job.rows, job.row_bytes);
    throw ProgramError(text);
  }
  const std::uint64_t answer = clock_.after(delay).raw();
  return !write && l2 ? answer + beats : answer;  // the last beat has arrived
}

void SocDma::read_piece(std::size_t index, std::uint64_t now) {
  Job& job = jobs_[index];
  if (job.erase) {
    // Erasing needs no data: the range goes to the writing side as it is.
    job.end = transport(job, tlm::TLM_WRITE_COMMAND, job.destination, nullptr,
                        job.rows * job.row_bytes, now);
    reader_free_ = writer_free_ = job.end;
    job.all_read = true;
    return;
  }
  Piece piece;
  piece.job = index;
  piece.address = job.destination + job.read_row * job.destination_pitch + job.read_offset;
  piece.data.resize(piece_bytes(job));
  const auto bytes = static_cast<std::uint32_t>(piece.data.size());
  const std::uint32_t from = job.source + job.read_row * job.source_pitch + job.read_offset;
  piece.ready = transport(job, tlm::TLM_READ_COMMAND, from, piece.data.data(), bytes, now);
  reader_free_ = piece.ready;
  ++in_use_;
  ++job.left;
  job.read_offset += bytes;
  if (job.read_offset == job.row_bytes) {
    job.read_offset = 0;
    job.all_read = ++job.read_row == job.rows;
  }
  pieces_.push_back(std::move(piece));
}

void SocDma::write_piece(std::uint64_t now) {
  Piece piece = std::move(pieces_.front());
  pieces_.pop_front();
  Job& job = jobs_[piece.job];
  writer_free_ = transport(job, tlm::TLM_WRITE_COMMAND, piece.address, piece.data.data(),
                           static_cast<std::uint32_t>(piece.data.size()), now);
  releases_.push_back(writer_free_);
  --job.left;
  job.end = writer_free_;
}

void SocDma::count_bytes(const Job& job) {
  if (job.erase) {
    return;
  }
  const std::uint64_t bytes = std::uint64_t{job.rows} * job.row_bytes;
  Counter& counter = is_external(job.source)
                         ? (is_external(job.destination) ? ext_to_ext_ : ext_to_l2_)
                         : (is_external(job.destination) ? l2_to_ext_ : l2_to_l2_);
  counter += bytes;
}

unsigned SocDma::step(Cycle cycle) {
  const std::uint64_t now = cycle.raw();
  while (!releases_.empty() && releases_.front() <= now) {
    releases_.pop_front();
    --in_use_;
  }
  unsigned finished = 0;
  while (!jobs_.empty() && jobs_.front().all_read && jobs_.front().left == 0 &&
         jobs_.front().end <= now) {
    count_bytes(jobs_.front());
    jobs_.pop_front();
    for (Piece& piece : pieces_) {
      --piece.job;
    }
    ++finished;
    ++completed_;
    ++transfers_;
  }
  if (finished > 0 && jobs_.empty()) {
    busy_ += now - busy_since_;
  }
  if (next_write() <= now) {
    write_piece(now);
  }
  if (next_read() <= now) {
    read_piece(*reading_job(), now);
  }
  return finished;
}

std::vector<std::string> SocDma::take_warnings() { return std::exchange(warnings_, {}); }

void SocDma::visit_counters(const CounterVisitor& visit) const {
  for (const Counter* counter :
       {&transfers_, &ext_to_l2_, &l2_to_ext_, &l2_to_l2_, &ext_to_ext_, &busy_}) {
    visit(*counter);
  }
}

}  // namespace etude
