// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>
#include <vector>

#include "workloads/npz/npz.h"
#include "workloads/onnx/onnx_import.h"

namespace etude::run {

// What a user should know of how a file's graph and arrays are taken: each function adds warnings.

/// What of a file's constants and weights is not trained, or trained as one.
void note_constants(const OnnxModel& model, std::vector<std::string>& warnings);

/// Which weights several nodes train together, because exporters store equal ones once.
void note_shared(const Graph& graph, std::vector<std::string>& warnings);

/// Batch normalisations that look at the batch, by name.
std::set<std::string> norms_of_batches(const Graph& graph);

/// What the method made of a file's graph against the file's word; weights that the loss does not
/// depend on are frozen. `norms`: norms_of_batches() before.
void note_changes(const std::set<std::string>& norms, Graph& graph,
                  std::vector<std::string>& warnings);

/// The members of the archive of `key` whose type is not their tensor's.
void note_conversion(const std::string& key, const Graph& graph, const NpzArchive& archive,
                     std::vector<std::string>& warnings);

}  // namespace etude::run
