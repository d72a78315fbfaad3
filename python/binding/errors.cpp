// SPDX-License-Identifier: Apache-2.0
#include "python/binding/errors.h"

#include <pybind11/pybind11.h>

#include <algorithm>
#include <exception>
#include <new>
#include <string>

#include "models/base/error.h"
#include "models/base/system_error.h"

namespace etude::python {
namespace {
namespace py = pybind11;

void raise(const char* name, std::string text) {
  std::replace_if(text.begin(), text.end(), [](unsigned char c) { return c < 32; }, ' ');
  PyErr_SetString(py::module_::import("etude.errors").attr(name).ptr(), text.c_str());
}

void translate(std::exception_ptr thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const UserError& error) {
    raise("ConfigError", error.what());
  } catch (const ProgramError& error) {
    raise("ProgramError", error.what());
  } catch (const SystemError& error) {
    raise("MachineError", error.what());
  } catch (const py::error_already_set&) {
    throw;
  } catch (const py::builtin_exception&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    raise("InternalError", std::string("internal error: ") + error.what());
  }
}

}  // namespace

void translate_errors() { py::register_local_exception_translator(translate); }

}  // namespace etude::python
