// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace etude {

/// A port of this machine alone (127.0.0.1) at which one debugger may be connected at a time.
class DebugSocket {
 public:
  /// Listens at `port`; 0: at a free one. Throws UserError if the port cannot be had.
  explicit DebugSocket(std::uint16_t port);
  ~DebugSocket();
  DebugSocket(const DebugSocket&) = delete;
  DebugSocket& operator=(const DebugSocket&) = delete;

  std::uint16_t port() const { return port_; }
  bool connected() const { return client_ >= 0; }
  /// What has come; waits for it, or for somebody to connect, if `wait`. A lost connection shows in
  /// connected().
  std::string receive(bool wait);
  /// Nothing happens if nobody is connected any more.
  void send(std::string_view bytes);
  void disconnect();
  /// disconnect() once the other side has taken what was sent, but not later than after a second.
  void finish();
  /// Debuggers that were sent away since the last call, because another one was connected.
  unsigned take_refused();

 private:
  void accept_one();

  int listener_{-1};
  int client_{-1};
  std::uint16_t port_{0};
  unsigned refused_{0};
};

}  // namespace etude
