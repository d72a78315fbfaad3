// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pybind11/pybind11.h>

namespace etude::python {

/// Adds Model (the model tier in this process, by any number of threads) and end_models().
void bind_model(pybind11::module_& module);

}  // namespace etude::python
