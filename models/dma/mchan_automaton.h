// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

namespace etude {

/// What a lane of MCHAN does in the middle of its pieces, where only the queues between its stages
/// and what was granted decide: a graph of their states that is learned from stepping. Lanes that
/// take the same way again go along its edges.
class MchanAutomaton {
 public:
  /// Beats that each stage has handed on, eight bits each.
  enum Stage : unsigned { kLane0, kLane1, kUnpacked, kInputs, kOutputs, kBus, kTaken };
  static constexpr unsigned count(std::uint64_t beats, Stage stage) {
    return static_cast<unsigned>(beats >> 8 * stage & 0xff);
  }

  struct State;
  struct Edge {
    std::uint64_t beats = 0;
    const State* next = nullptr;  ///< null: not learned yet
    bool data = false;            ///< a word or beat of data advanced
  };
  struct State {
    std::uint64_t key;
    std::uint8_t asks;          ///< lanes whose word is wanted in this cycle
    std::array<Edge, 4> edges;  ///< by the lanes that are granted
  };

  /// The state of `key`, which wants the words of `asks`; null if there are too many. It stays
  /// where it is.
  State* find(std::uint64_t key, std::uint32_t asks) {
    for (std::size_t at = (key * 0x9e3779b97f4a7c15u) >> 54;; at = (at + 1) % kSlots) {
      if (slots_[at] == nullptr) {
        if (states_.size() == kMost) {
          return nullptr;
        }
        states_.push_back({key, static_cast<std::uint8_t>(asks), {}});
        slots_[at] = &states_.back();
      }
      if (slots_[at]->key == key) {
        return slots_[at];
      }
    }
  }

 private:
  static constexpr std::size_t kSlots = 1024;  // as many as ten bits of a hash
  static constexpr std::size_t kMost = 512;

  std::deque<State> states_;
  std::vector<State*> slots_ = std::vector<State*>(kSlots, nullptr);
};

}  // namespace etude
