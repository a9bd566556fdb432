// IdVector<Id, T>: a dense array that only its own identity can index. Contiguous, like
// std::vector.
#pragma once

#include "base/check.hpp"
#include "base/ids.hpp"

#include <utility>
#include <vector>

namespace orrery {

template <typename Id, typename T>
class IdVector {
 public:
  IdVector() = default;
  explicit IdVector(std::size_t size, const T& value = T()) : items_(size, value) {}

  T& operator[](Id id) {
    DCHECK(index_of(id) < items_.size(), index_of(id), items_.size());
    return items_[index_of(id)];
  }
  const T& operator[](Id id) const {
    DCHECK(index_of(id) < items_.size(), index_of(id), items_.size());
    return items_[index_of(id)];
  }

  /// Appends and returns the identity of the new item.
  Id push_back(T item) {
    items_.push_back(std::move(item));
    return id_at<Id>(items_.size() - 1);
  }

  std::size_t size() const { return items_.size(); }
  bool empty() const { return items_.empty(); }
  void resize(std::size_t size, const T& value = T()) { items_.resize(size, value); }
  void reserve(std::size_t size) { items_.reserve(size); }
  /// The identity that the next push_back will give.
  Id next_id() const { return id_at<Id>(items_.size()); }

  auto begin() { return items_.begin(); }
  auto end() { return items_.end(); }
  auto begin() const { return items_.begin(); }
  auto end() const { return items_.end(); }

  bool operator==(const IdVector&) const = default;

 private:
  std::vector<T> items_;
};

}  // namespace orrery
