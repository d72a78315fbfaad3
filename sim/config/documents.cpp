// SPDX-License-Identifier: Apache-2.0
#include "sim/config/documents.h"

#include <cmath>

#include "sim/config/check.h"
#include "sim/config/tree.h"

namespace etude {
namespace {
constexpr const char* kDraft = "https://json-schema.org/draft/2020-12/schema";

bool is_energy_value(const Parameter& p) {
  return p.path.rfind("/energy/", 0) == 0 && pointer_elements(p.path).back() == "value";
}

/// The other keys of a coefficient are described once, above its table.
bool is_energy_remark(const Parameter& p) {
  return p.path.rfind("/energy/", 0) == 0 && pointer_elements(p.path).size() > 3 &&
         !is_energy_value(p);
}

Json default_of(const Parameter& p) { return p.text.required ? Json() : p.get(RootConfig{}, ""); }

std::string default_text(const Parameter& p) {
  if (p.path.ends_with("/*") || p.text.inherited) {
    return "none";
  }
  return p.text.required ? "required" : std::string("`").append(default_of(p).dump()).append("`");
}

Json number_or_whole(double value) {
  return value == std::floor(value) && std::abs(value) < 9e15
             ? Json(static_cast<std::int64_t>(value))
             : Json(value);
}

void add_range(Json& schema, const Range& range) {
  schema[range.above_min ? "exclusiveMinimum" : "minimum"] = number_or_whole(range.min);
  if (std::isfinite(range.max)) {
    schema["maximum"] = number_or_whole(range.max);
  }
}

/// 1, 2, 4 ... as far as the range allows.
Json powers_of_two(const Range& range) {
  Json powers = Json::array();
  for (double power = 1; power <= range.max && power < 9e15; power *= 2) {
    if (power >= range.min) {
      powers.push_back(number_or_whole(power));
    }
  }
  return powers;
}

Json value_schema(const Parameter& p) {
  Json schema = Json::object();
  const char* const names[] = {"boolean", "integer", "number", "string",
                               "string",  "string",  "array",  "array"};
  schema["type"] = names[static_cast<int>(p.kind)];
  schema["description"] =
      p.text.sentence + (p.text.unit.empty() ? "" : " Unit: " + p.text.unit + ".");
  if (p.kind == ParameterKind::kChoice) {
    schema["enum"] = p.choices;
  } else if (p.kind == ParameterKind::kStrings) {
    schema["items"] = {{"type", "string"}};
  } else if (p.kind == ParameterKind::kSizes) {
    schema["items"] = {{"type", "integer"}};
    add_range(schema["items"], p.text.range);
  } else if (p.kind == ParameterKind::kInteger || p.kind == ParameterKind::kNumber) {
    add_range(schema, p.text.range);
    if (p.text.range.power_of_two) {
      schema["enum"] = powers_of_two(p.text.range);
    }
  }
  if (!p.text.required && !p.path.ends_with("/*") && !p.text.inherited) {
    schema["default"] = default_of(p);
  }
  return schema;
}

/// The object schema that stands at `elements` below `schema`, made where it is missing.
Json& object_at(Json& schema, const std::vector<std::string>& elements, std::size_t count) {
  Json* node = &schema;
  for (std::size_t i = 1; i < count; ++i) {
    const std::string& element = elements[i];
    Json& next = element == "*" ? (*node)["additionalProperties"] : (*node)["properties"][element];
    if (!next.is_object()) {
      next = {{"type", "object"}, {"additionalProperties", false}};
    }
    node = &next;
  }
  return *node;
}

void add_to_schema(Json& section, const Parameter& p) {
  const auto elements = pointer_elements(p.path);
  for (std::size_t depth = 1; p.text.required && depth < elements.size(); ++depth) {
    Json& required = object_at(section, elements, depth)["required"];
    if (required.is_null()) {
      required = Json::array();
    }
    if (std::find(required.begin(), required.end(), elements[depth]) == required.end()) {
      required.push_back(elements[depth]);
    }
  }
  Json& object = object_at(section, elements, elements.size() - 1);
  if (p.text.names_section) {
    std::string words;
    for (const std::string& choice : p.choices) {
      words += (words.empty() ? "" : "|") + choice;
    }
    object["type"] = {"object", "string"};
    object["pattern"] = "^(" + words + ")$";  // of the string; the object has its own rules
  }
  (elements.back() == "*" ? object["additionalProperties"]
                          : object["properties"][elements.back()]) = value_schema(p);
}

std::string section_title(const std::string& section) {
  if (section == "platform") {
    return "the simulated SoC";
  }
  if (section == "workload") {
    return "what is trained";
  }
  if (section == "train") {
    return "how it is trained";
  }
  if (section == "schedule") {
    return "what is kept, recomputed or paged";
  }
  if (section == "tiling") {
    return "tiles for L1";
  }
  if (section == "compress") {
    return "frozen weights in small forms";
  }
  if (section == "run") {
    return "how it is simulated";
  }
  return "what each event costs";
}
}  // namespace

std::string config_readme() {
  std::string text = R"(# Configuration: every key
Generated from the declarations that the program checks with (`etude-sim config readme`); do not edit.

A root file has the sections below; only `platform` and `workload` are required. A section is an object,
or a string that names a JSON file which holds it. A file name is looked for from the current folder,
beside the naming file, then below `configs/`. `--set /json/pointer=VALUE` changes a key on the command
line, also inside a named file; VALUE is JSON, else a string. The schemas are in `configs/schema/`.
)";
  std::string section;
  for (const Parameter& p : declare_parameters()) {
    const std::string here = pointer_elements(p.path).front();
    if (here != section) {
      section = here;
      text += "\n## /" + section + ": " + section_title(section) + "\n";
      if (section == "energy") {
        text +=
            "The default is the file `energy/22fdx.json`. Each coefficient is an object with "
            "`value`, `unit`,\n`source` and `status` (measured, derived or assumed), and where it "
            "is known the range of the value,\n`low` and `high`.\n";
      }
      text += "\n| key | type and range | unit | default | what it is | source |\n";
      text += "|---|---|---|---|---|---|\n";
    }
    if (is_energy_remark(p)) {
      continue;
    }
    std::string sentence = p.text.sentence;
    if (p.text.only_if) {
      sentence += " Counts only when `" + p.text.only_if->path + "` is ";
      for (std::size_t i = 0; i < p.text.only_if->values.size(); ++i) {
        sentence += (i == 0 ? "" : ", ") + p.text.only_if->values[i];
      }
      sentence += ".";
    }
    Parameter bare = p;
    bare.text.unit.clear();
    text += "| `" + p.path + "` | " + allowed_text(bare) + " | " + p.text.unit + " | " +
            default_text(p) + " | " + sentence + " | " + p.text.source + " |\n";
  }
  return text;
}

std::map<std::string, std::string> config_schemas() {
  std::map<std::string, Json> sections;
  Json root = {{"$schema", kDraft},
               {"$id", "config.json"},
               {"title", "Etude: one run"},
               {"type", "object"},
               {"additionalProperties", false},
               {"required", {"platform", "workload"}},
               {"properties", Json::object()}};
  for (const Parameter& p : declare_parameters()) {
    const std::string name = pointer_elements(p.path).front();
    Json& section = sections[name];
    if (section.is_null()) {
      section = {{"$schema", kDraft},
                 {"$id", name + ".json"},
                 {"title", "Etude: " + section_title(name)},
                 {"type", "object"},
                 {"additionalProperties", false}};
      root["properties"][name] = {
          {"description", "An object, or the name of a JSON file that holds it."},
          {"anyOf", {{{"type", "string"}}, {{"$ref", name + ".json"}}}}};
    }
    add_to_schema(section, p);
  }
  std::map<std::string, std::string> files{{"config.json", root.dump(2) + "\n"}};
  for (const auto& [name, schema] : sections) {
    files[name + ".json"] = schema.dump(2) + "\n";
  }
  return files;
}

}  // namespace etude
