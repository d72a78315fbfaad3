// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <systemc>
#include <tlm>

#include "models/base/types.h"

namespace etude {

/// Who speaks on the SoC bus; also the order in which accesses of one cycle are served.
enum class BusInitiator : std::uint8_t { kCores, kIcache, kClusterDma, kSocDma };
inline constexpr unsigned kBusInitiators = 4;

/// What a transaction of the cluster boundary says beside address and data. Its annotated delay is,
/// on the way in, the cycle in which the address is accepted (a write: in which the last beat goes
/// out); on the way out, the cycle of the first beat (a write, a word: of the response).
struct AccessExtension : tlm::tlm_extension<AccessExtension> {
  enum class Kind : std::uint8_t {
    kBurst,  ///< 8-byte beats, one per cycle
    kWord,   ///< one word of a core
    kErase   ///< flash: erase the sectors that the address range touches
  };
  Kind kind{Kind::kBurst};
  BusInitiator initiator{BusInitiator::kClusterDma};
  Cycle first_w{kNever};  ///< writes: cycle of the first beat; kNever: without gaps before the last

  tlm::tlm_extension_base* clone() const override { return new AccessExtension(*this); }
  void copy_from(const tlm::tlm_extension_base& other) override {
    *this = static_cast<const AccessExtension&>(other);
  }
};

/// The parts of the forward interface that a loosely timed memory does not use.
class TlmTarget : public tlm::tlm_fw_transport_if<> {
 public:
  tlm::tlm_sync_enum nb_transport_fw(tlm::tlm_generic_payload& payload, tlm::tlm_phase&,
                                     sc_core::sc_time& delay) override {
    b_transport(payload, delay);
    return tlm::TLM_COMPLETED;
  }
  bool get_direct_mem_ptr(tlm::tlm_generic_payload&, tlm::tlm_dmi&) override { return false; }
};

/// The backward interface of an initiator that only makes blocking calls.
class TlmInitiator : public tlm::tlm_bw_transport_if<> {
 public:
  tlm::tlm_sync_enum nb_transport_bw(tlm::tlm_generic_payload&, tlm::tlm_phase&,
                                     sc_core::sc_time&) override {
    return tlm::TLM_COMPLETED;
  }
  void invalidate_direct_mem_ptr(sc_dt::uint64, sc_dt::uint64) override {}
};

/// The extension of `payload`, or what stands for an initiator that sends none.
inline const AccessExtension& access_of(const tlm::tlm_generic_payload& payload) {
  static const AccessExtension kPlain{};
  const auto* extension = payload.get_extension<AccessExtension>();
  return extension != nullptr ? *extension : kPlain;
}

}  // namespace etude
