// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "workloads/graph/graph.h"
#include "workloads/npz/npz.h"

namespace etude {

/// Values of some tensors in float32, by tensor (empty where none is given): what a run starts
/// from.
using StartValues = std::vector<std::vector<float>>;

/// Parameters drawn from `seed`: matrices uniform in +-sqrt(6 / fan_in) (He), vectors zero, those
/// with a `fill` that constant; optimiser states zero. Each parameter has a stream of its own (seed
/// and name), so that adding one changes no other; integer generator and correctly rounded
/// operations only, hence the same on every machine.
void draw_parameters(const Graph& graph, std::uint64_t seed, StartValues& values);

/// Draws the parameters that have no values yet, as draw_parameters() would.
void complete_parameters(const Graph& graph, std::uint64_t seed, StartValues& values);

/// One batch of each input drawn uniformly from [-1, 1), labels uniformly from their classes,
/// targets of a binary cross entropy from [0, 1), for runs without data.
void draw_inputs(const Graph& graph, std::uint64_t seed, unsigned step, StartValues& values);

/// Takes parameters from an archive, by tensor name. Adapters of LoRA that it lacks keep the values
/// that they have.
/// Errors: UserError naming `where` and the parameter that is missing, has another shape, or has a
/// value that is not finite or that no float32 holds; and members that name no parameter.
void take_parameters(const Graph& graph, const NpzArchive& archive, const std::string& where,
                     StartValues& values);

/// Takes batch number `step` of each input from an archive: member by the tensor's name, else "x"
/// for the first input and "y" for the second; the first extent counts samples, as many in every
/// member, and wraps around. Errors: UserError naming `where` and the member that is missing, has
/// another shape or number of samples, or a value that is not finite, that no float32 holds, or
/// that is no label or target of its loss.
void take_inputs(const Graph& graph, const NpzArchive& archive, const std::string& where,
                 unsigned step, StartValues& values);

/// The member that holds input number `number`: by the tensor's name, else "x" for the first input
/// and "y" for the second; end() if none does.
NpzArchive::const_iterator find_input(const NpzArchive& archive, const std::string& name,
                                      unsigned number);

/// Members of an archive that no input reads, for a note: "'mask', 'z'"; "" when there is none.
std::string unread_members(const Graph& graph, const NpzArchive& archive);

/// Members of an archive of inputs or parameters whose type is not the one that its tensor has
/// here, for a note: "'x' (uint8), 'm' (float64)"; "" when there is none.
std::string converted_members(const Graph& graph, const NpzArchive& archive);

}  // namespace etude
