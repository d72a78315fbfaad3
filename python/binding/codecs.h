// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pybind11/pybind11.h>

namespace etude::python {

/// Packed tensors and the archives that hold them: what python/etude/compress is made of.
void bind_codecs(pybind11::module_& module);

}  // namespace etude::python
