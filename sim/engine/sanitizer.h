// SPDX-License-Identifier: Apache-2.0
#pragma once

#ifdef __SANITIZE_ADDRESS__
#include <pthread.h>
#include <sanitizer/common_interface_defs.h>

#include <cstddef>
#endif

namespace etude {

/// To be called when sc_start() has returned. SystemC tells AddressSanitizer of each change of
/// stack, but not where the first one lies: without this an exception thrown later leaves marks on
/// it that look like errors. Does nothing in other builds.
inline void back_on_first_stack() {
#ifdef __SANITIZE_ADDRESS__
  pthread_attr_t attributes;
  void* bottom = nullptr;
  std::size_t bytes = 0;
  if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
    pthread_attr_getstack(&attributes, &bottom, &bytes);
    pthread_attr_destroy(&attributes);
    __sanitizer_start_switch_fiber(nullptr, bottom, bytes);
    __sanitizer_finish_switch_fiber(nullptr, nullptr, nullptr);
  }
#endif
}

}  // namespace etude
