// SPDX-License-Identifier: Apache-2.0
#include "run/execute/l2_use.h"

#include <algorithm>

namespace etude::run {
namespace {
constexpr std::uint32_t kWord = 8;  ///< places in L2 are whole words
}  // namespace

L2Use::L2Use(const std::vector<StoredTensor>& stored, const std::vector<OpSegment>& segments,
             std::size_t first)
    : stored_(stored), segments_(segments), first_(first), words_(stored.size()) {
  for (const StoredTensor& tensor : stored) {
    if (tensor.always && !tensor.external) {
      add(tensor.kind, first, segments.size(), static_cast<std::int64_t>(tensor.bytes.raw()));
    }
  }
}

void L2Use::touch(std::size_t segment, const Access& access) {
  const StoredTensor& tensor = stored_.at(access.object);
  if (tensor.always) {
    return;
  }
  std::vector<Span>& words = words_[access.object];
  words.resize(tensor.bytes.raw() / kWord);
  for (std::uint32_t row = 0; row < access.rows; ++row) {
    const std::uint32_t begin = access.address + row * access.pitch - tensor.address.raw();
    const std::uint32_t end = (begin + access.row_bytes + kWord - 1) / kWord;
    for (std::uint32_t word = begin / kWord; word < end && word < words.size(); ++word) {
      words[word].first = std::min(words[word].first, static_cast<std::uint32_t>(segment));
      words[word].last = static_cast<std::uint32_t>(segment);
    }
  }
}

void L2Use::complete(ObjectId tensor, std::size_t ready, std::size_t leaves) {
  const std::vector<Span>& words = words_[tensor];
  for (std::size_t at = 0; at < words.size();) {
    std::size_t next = at + 1;
    while (next < words.size() && words[next].first == words[at].first &&
           words[next].last == words[at].last) {
      ++next;
    }
    if (words[at].first <= words[at].last) {
      const std::size_t begin = words[at].first, end = words[at].last + std::size_t{1};
      const std::size_t here = std::clamp(ready, begin, end);
      const std::size_t gone = std::clamp(leaves, here, end);
      const auto bytes = static_cast<std::int64_t>((next - at) * kWord);
      add("transfer", begin, here, bytes);
      add(stored_[tensor].kind, here, gone, bytes);
      add("transfer", gone, end, bytes);
    }
    at = next;
  }
}

void L2Use::add(const std::string& kind, std::size_t first, std::size_t end, std::int64_t bytes) {
  if (first < end) {
    std::vector<std::int64_t>& changes = changes_[kind];
    changes.resize(segments_.size() + 1);
    changes[first] += bytes;
    changes[end] -= bytes;
  }
}

std::map<std::string, std::vector<std::uint64_t>> L2Use::columns(std::size_t count) const {
  std::map<std::string, std::vector<std::uint64_t>> found;
  if (first_ >= segments_.size()) {
    return found;
  }
  std::vector<std::int64_t> total(segments_.size());
  std::map<std::string, std::vector<std::int64_t>> values;
  for (const auto& [kind, changes] : changes_) {
    std::vector<std::int64_t>& value = values[kind];
    value.resize(segments_.size());
    std::int64_t now = 0;
    for (std::size_t i = first_; i < segments_.size(); ++i) {
      now += changes[i];
      value[i] = now;
      total[i] += now;
    }
  }
  const std::uint64_t begin = segments_[first_].begin.raw();
  const std::uint64_t length = std::max<std::uint64_t>(1, segments_.back().end.raw() - begin);
  const auto column_of = [&](std::uint64_t cycle) {
    return std::min<std::uint64_t>((cycle - begin) * count / length, count - 1);
  };
  std::vector<std::size_t> fullest(count, segments_.size());
  for (std::size_t i = first_; i < segments_.size(); ++i) {
    const std::uint64_t from = segments_[i].begin.raw(), to = segments_[i].end.raw();
    for (std::uint64_t c = column_of(from); c <= column_of(std::max(from, to - (to > from))); ++c) {
      std::size_t& best = fullest[c];
      if (best == segments_.size() || total[i] > total[best]) {
        best = i;
      }
    }
  }
  for (const auto& [kind, value] : values) {
    for (const std::size_t i : fullest) {
      const bool none = i == segments_.size();  // more columns than cycles
      found[kind].push_back(none ? 0 : static_cast<std::uint64_t>(value[i]));
    }
  }
  return found;
}

}  // namespace etude::run
