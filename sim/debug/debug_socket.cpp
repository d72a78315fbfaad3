// SPDX-License-Identifier: Apache-2.0
#include "sim/debug/debug_socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "models/base/error.h"

namespace etude {

DebugSocket::DebugSocket(std::uint16_t port) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t bytes = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  if (listener_ < 0 || ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      ::bind(listener_, any, sizeof address) != 0 || ::listen(listener_, 4) != 0 ||
      ::getsockname(listener_, any, &bytes) != 0) {
    const int error = errno;
    if (listener_ >= 0) {
      ::close(listener_);
    }
    throw UserError("--gdb",
                    "port " + std::to_string(port) + " of 127.0.0.1: " + std::strerror(error),
                    "another port, or 0 for a free one");
  }
  port_ = ntohs(address.sin_port);
}

DebugSocket::~DebugSocket() {
  disconnect();
  ::close(listener_);
}

void DebugSocket::disconnect() {
  if (client_ >= 0) {
    ::close(std::exchange(client_, -1));
  }
}

void DebugSocket::accept_one() {
  const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (fd < 0) {
    return;
  }
  if (client_ >= 0) {
    ::close(fd);
    ++refused_;
    return;
  }
  client_ = fd;
  const int on = 1;
  ::setsockopt(client_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

std::string DebugSocket::receive(bool wait) {
  pollfd fds[] = {{listener_, POLLIN, 0}, {client_, POLLIN, 0}};  // a negative one is not looked at
  if (::poll(fds, 2, wait ? -1 : 0) <= 0) {
    return {};
  }
  std::string text;
  if (fds[1].revents != 0) {
    std::vector<char> bytes(1u << 14);
    const ssize_t got = ::recv(client_, bytes.data(), bytes.size(), 0);
    if (got > 0) {
      text.assign(bytes.data(), static_cast<std::size_t>(got));
    } else if (got == 0 || errno != EINTR) {
      disconnect();
    }
  }
  if (fds[0].revents != 0) {
    accept_one();
  }
  return text;
}

void DebugSocket::send(std::string_view bytes) {
  while (client_ >= 0 && !bytes.empty()) {
    const ssize_t sent = ::send(client_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno != EINTR) {
      disconnect();
    }
  }
}

void DebugSocket::finish() {
  if (client_ < 0) {
    return;
  }
  ::shutdown(client_, SHUT_WR);
  std::vector<char> bytes(256);
  pollfd fd{client_, POLLIN, 0};
  while (::poll(&fd, 1, 1000) > 0 && ::recv(client_, bytes.data(), bytes.size(), 0) > 0) {
  }
  disconnect();
}

unsigned DebugSocket::take_refused() { return std::exchange(refused_, 0); }

}  // namespace etude
