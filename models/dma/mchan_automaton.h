// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace etude {

/// What a lane of MCHAN does in the middle of its pieces, where only the queues between its stages
/// and what was granted decide: a graph of their states that is learned from stepping. Lanes that
/// take the same way again go along its edges.
class MchanAutomaton {
 public:
  /// No state; also the answer when there are too many.
  static constexpr std::uint16_t kNone = 0xffff;
  /// Beats that each stage has handed on, eight bits each.
  enum Stage : unsigned { kLane0, kLane1, kUnpacked, kInputs, kOutputs, kBus, kTaken };
  static constexpr unsigned count(std::uint64_t beats, Stage stage) {
    return static_cast<unsigned>(beats >> 8 * stage & 0xff);
  }

  struct Edge {
    std::uint64_t beats = 0;
    std::uint16_t next = kNone;  ///< kNone: not learned yet
    bool data = false;           ///< a word or beat of data advanced
  };
  struct State {
    std::uint64_t key;
    std::uint8_t asks;          ///< lanes whose word is wanted in this cycle
    std::array<Edge, 4> edges;  ///< by the lanes that are granted
  };

  /// The state of `key`, which wants the words of `asks`.
  std::uint16_t find(std::uint64_t key, std::uint32_t asks) {
    for (std::size_t at = (key * 0x9e3779b97f4a7c15u) >> 54;; at = (at + 1) % kSlots) {
      if (slots_[at] == kNone) {
        if (states_.size() == kMost) {
          return kNone;
        }
        slots_[at] = static_cast<std::uint16_t>(states_.size());
        states_.push_back({key, static_cast<std::uint8_t>(asks), {}});
      }
      if (states_[slots_[at]].key == key) {
        return slots_[at];
      }
    }
  }
  State& operator[](std::uint16_t state) { return states_[state]; }
  const State& operator[](std::uint16_t state) const { return states_[state]; }

 private:
  static constexpr std::size_t kSlots = 1024;  // as many as ten bits of a hash
  static constexpr std::size_t kMost = 512;

  std::vector<State> states_;
  std::vector<std::uint16_t> slots_ = std::vector<std::uint16_t>(kSlots, kNone);
};

}  // namespace etude
