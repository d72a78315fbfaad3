// SPDX-License-Identifier: Apache-2.0
#include "python/binding/codecs.h"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <array>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "models/base/error.h"
#include "workloads/codecs/packed_archive.h"
#include "workloads/codecs/packed_tensor.h"
#include "workloads/codecs/prune.h"

namespace etude::python {
namespace {
namespace py = pybind11;
using Array = py::array_t<float, py::array::c_style | py::array::forcecast>;
using Arrays = std::map<std::string, Array>;
using Shape = std::vector<std::uint64_t>;

constexpr std::array kNumbers{
    std::pair("fp16", StoredNumber::kFloat16), std::pair("int8", StoredNumber::kInt8),
    std::pair("int4", StoredNumber::kInt4), std::pair("int3", StoredNumber::kInt3)};
constexpr std::array kCodes{std::pair("plain", StoredCode::kPlain),
                            std::pair("bitmap", StoredCode::kBitmap),
                            std::pair("huffman", StoredCode::kHuffman)};
constexpr std::array kPatterns{std::pair("free", PrunePattern::kFree),
                               std::pair("2:4", PrunePattern::kTwoOfFour)};

template <class Words>
auto value_of(const Words& words, const std::string& word) {
  std::string all;
  for (const auto& [name, value] : words) {
    if (word == name) {
      return value;
    }
    all += (all.empty() ? "" : ", ") + std::string(name);
  }
  throw UserError("'" + word + "'", "is unknown here", "give one of " + all);
}

template <class Words, class Value>
std::string word_of(const Words& words, Value value) {
  for (const auto& [name, listed] : words) {
    if (listed == value) {
      return name;
    }
  }
  return "";
}

Shape shape_of(const Array& array) { return {array.shape(), array.shape() + array.ndim()}; }

std::span<const float> values_of(const Array& array) {
  return {array.data(), static_cast<std::size_t>(array.size())};
}

Array array_of(const std::vector<float>& values, const Shape& shape) {
  Array array(std::vector<py::ssize_t>(shape.begin(), shape.end()));
  std::ranges::copy(values, array.mutable_data());
  return array;
}

PackedTensor pack_array(const Array& values, const std::string& number, const std::string& code,
                        bool scale_per_row, const std::string& where) {
  const auto [rows, cols] = matrix_of(shape_of(values), scale_per_row, where);
  return store(values_of(values), rows, cols,
               {value_of(kNumbers, number), value_of(kCodes, code), scale_per_row}, where);
}

Array unpack_array(const PackedTensor& packed, const std::string& where) {
  return array_of(unpack(packed, where), {packed.rows, packed.cols});
}

Array prune_array(const Array& values, const std::string& pattern, double sparsity,
                  bool scale_per_row) {
  const auto [rows, cols] = matrix_of(shape_of(values), scale_per_row, "array");
  return array_of(prune(values_of(values), rows, cols, value_of(kPatterns, pattern), sparsity),
                  shape_of(values));
}

/// Plain arrays, packed tensors, their extents, the record. Of a plain archive the last are empty.
py::tuple read_archive(const std::string& file) {
  const NpzArchive members = read_npz(file);
  PackedArchive archive;
  if (is_packed(members)) {
    archive = read_packed(members, file);
  } else {
    archive.plain = members;
  }
  Arrays plain;
  for (const auto& [name, array] : archive.plain) {
    plain[name] = array_of(array.exact_float32(file + ": '" + name + "'"), array.shape);
  }
  return py::make_tuple(plain, archive.packed, archive.shapes, archive.record);
}

void write_archive(const std::string& file, const Arrays& plain,
                   const std::map<std::string, PackedTensor>& packed,
                   const std::map<std::string, Shape>& shapes, const std::string& record) {
  PackedArchive archive{{}, packed, shapes, record};
  for (const auto& [name, array] : plain) {
    const auto values = values_of(array);
    archive.plain[name] = NpyArray::from_float32(shape_of(array), {values.begin(), values.end()});
  }
  write_npz(file, packed_members(archive));
}

}  // namespace

void bind_codecs(py::module_& module) {
  py::class_<PackedTensor>(module, "PackedTensor")
      .def_readonly("rows", &PackedTensor::rows)
      .def_readonly("cols", &PackedTensor::cols)
      .def_property_readonly("stored_bytes", &PackedTensor::stored_bytes)
      .def_property_readonly("number",
                             [](const PackedTensor& p) { return word_of(kNumbers, p.form.number); })
      .def_property_readonly("code",
                             [](const PackedTensor& p) { return word_of(kCodes, p.form.code); })
      .def_property_readonly("scale_per_row",
                             [](const PackedTensor& p) { return p.form.scale_per_row; })
      .def("unpack", &unpack_array, py::arg("where"));
  module.def("pack", &pack_array, py::arg("values"), py::arg("number"), py::arg("code"),
             py::arg("scale_per_row"), py::arg("where"));
  module.def("prune", &prune_array, py::arg("values"), py::arg("pattern"), py::arg("sparsity"),
             py::arg("scale_per_row"));
  module.def("read_archive", &read_archive, py::arg("file"));
  module.def("write_archive", &write_archive, py::arg("file"), py::arg("plain"), py::arg("packed"),
             py::arg("shapes"), py::arg("record"));
}

}  // namespace etude::python
