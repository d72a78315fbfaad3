// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "models/iss/core/core.h"
#include "sim/debug/debug_socket.h"
#include "sim/debug/packet_reader.h"
#include "sim/debug/stop_points.h"
#include "sim/engine/debugger.h"

namespace etude {

/// Holds a run for a GDB that is connected over its remote serial protocol: a thread per hart (hart
/// number + 1). While one is held all are, and no time passes; when one goes on all go on, for a
/// step of one of them too, since a cycle belongs to all of them.
///
/// A breakpoint stops in the moment in which its instruction would take effect. So the step with
/// which GDB goes over a breakpoint, and during which it hears of one thread alone, lets no other
/// hart pass. A watchpoint stops in front of the access, as GDB expects it of RISC-V. The accesses
/// of DMAs and RedMulE are not watched.
class GdbServer final : public Debugger {
 public:
  /// Listens at `port` of 127.0.0.1, 0: at a free one. `tell` prints a line for the user. Throws
  /// UserError if the port cannot be had.
  GdbServer(std::uint16_t port, std::function<void(const std::string&)> tell);

  void begin(DebugTarget& target) override;
  bool stops_before(unsigned hart, std::uint32_t pc) override {
    return active_ && (points_.breaks_at(pc) || (passes(hart) && lifted_.contains(pc)));
  }
  void before(unsigned hart, const DataAccess* access) override;
  void after(unsigned hart) override;
  void poll() override;
  void failed(const std::string& why) override;

  /// The run is over: with the program's exit status, or nothing if it failed.
  void ended(std::optional<int> status);

 private:
  static constexpr unsigned kNobody = ~0u;

  // The run (gdb_server.cpp).
  /// GDB wants to hear of another hart alone.
  bool passes(unsigned hart) const { return locked_ && hart != stepping_; }
  bool may_tell(unsigned hart, const char* what, std::uint32_t address);
  std::string break_reason(std::uint32_t pc) const;
  std::uint32_t length_at(unsigned hart, std::uint32_t pc) const;
  std::uint32_t behind(unsigned hart) const;   ///< the address behind the hart's instruction
  std::uint32_t next_pc(unsigned hart) const;  ///< where it leads to
  std::uint32_t pc_behind(unsigned hart) const;
  std::uint32_t pc_of(unsigned hart) const;  ///< as GDB sees it
  void stop(unsigned hart, unsigned signal, const std::string& why);
  void serve();
  void take_bytes(bool wait);
  void lost();
  void complain(const std::string& what);
  std::uint64_t done(unsigned hart) const;
  std::string stop_reply(unsigned hart, unsigned signal, const std::string& why) const;

  // Commands (gdb_commands.cpp).
  void handle(const PacketReader::Event& event);
  std::optional<std::string> answer(std::string_view packet);
  std::string read_memory(HexText text);
  std::string write_memory(HexText text, bool binary);
  std::string read_register(HexText text);
  std::string write_register(HexText text);
  std::string write_registers(std::string_view text);
  std::string choose_thread(std::string_view text);
  std::string stop_point(HexText text, bool insert);
  std::optional<std::string> go_on(HexText text, bool step, bool signal);
  std::optional<std::string> multi(std::string_view packet);
  std::optional<std::string> resume(std::string_view actions);
  void run(unsigned stepping, bool to_breakpoint, bool locked);
  void end_session(const std::string& why);
  std::string query(std::string_view packet);
  std::string transfer(std::string_view whole, HexText range) const;
  std::string threads_xml() const;
  std::string extra_text(unsigned hart) const;
  std::string monitor(std::string_view hex) const;
  /// Hart of a thread number; `any` for 0 and -1.
  std::optional<unsigned> hart_of(HexText& text, unsigned any) const;
  void send(std::string_view contents);

  DebugSocket socket_;
  std::function<void(const std::string&)> tell_;
  DebugTarget* target_{nullptr};
  PacketReader reader_;
  std::string last_sent_;
  std::string last_stop_;
  bool active_{true};    ///< a debugger holds the run, or may connect
  bool talked_{false};   ///< one has
  bool running_{false};  ///< it waits for a stop
  bool no_ack_{false};
  bool killed_{false};
  bool complained_{false};
  bool says_swbreak_{false}, says_hwbreak_{false};  ///< it understands these
  unsigned chosen_{0};                              ///< the hart of g, p, m ...
  unsigned chosen_step_{kNobody};                   ///< of s and c

  StopPoints points_;
  std::set<std::uint32_t> lifted_;  ///< breakpoints that went since the last stop
  StopPoints settled_;              ///< as they were when all harts went on last
  unsigned stepping_{kNobody};      ///< the hart whose next stop is waited for
  bool to_breakpoint_{false};       ///< ... which is a breakpoint, else behind one instruction
  bool over_{false};                ///< GDB steps the hart over a breakpoint, and forgets it soon
  bool locked_{false};              ///< nobody else's stops are to be told
  std::uint64_t step_from_{0};      ///< what the hart had done before
  /// The step is done, and its hart stands in front of a breakpoint that has still to be reached.
  bool landing_{false};
  /// done() of each hart when it last stopped at a breakpoint, at a watchpoint.
  std::vector<std::uint64_t> reported_, touch_reported_;
  /// The hart that is shown at another pc while it is held, and done() of each when it last was.
  unsigned shown_hart_{0};
  std::uint32_t shown_pc_{Core::kNoPc};
  std::vector<std::uint64_t> shown_behind_;
};

}  // namespace etude
