// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace etude::python {

/// From now on errors of the library are raised as those of etude.errors, with their one line:
/// UserError as ConfigError, ProgramError as ProgramError, SystemError as MachineError, any other
/// one, which is a defect of ours, as InternalError. Those of Python pass.
void translate_errors();

}  // namespace etude::python
